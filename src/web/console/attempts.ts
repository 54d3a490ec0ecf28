// Login attempts, newest first, filtered by person, address, outcome and time, with a chart of the
// same.
import type Router from '@koa/router';
import type Koa from 'koa';
import type { Users } from '../../core/accounts/users.ts';
import type { AttemptFilter, AttemptKey, AttemptPlace, ListedAttempt } from '../../core/throttle/attempts.ts';
import { isUuid, queryText, withQuery } from '../http/query.ts';
import { requireConsole } from '../session/access.ts';
import { describeDevice } from '../texts/times-and-devices.ts';
import type { Times } from '../texts/zoned-times.ts';
import type { AttemptRow, Chart, FilterChip } from '../view/console-views.ts';
import { timesOf, type Web } from '../view/page.ts';
import type { Views } from '../view/views.ts';
import { readAddress } from './log/filter.ts';
import { viewsBar } from './views/views-bar.ts';
import { refusalWords } from './words/reasons.ts';

export const ATTEMPTS = '/operator/attempts';
const PAGE_SIZE = 50;
const HOUR_MS = 3_600_000;
/** As `placeOf` writes it, of these times. */
const MOMENT = /^2\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

const SERIES = [
  { kind: 'successes', label: 'success', many: 'successes' },
  { kind: 'failures', label: 'failure', many: 'failures' },
  { kind: 'refused', label: 'refused unseen' },
  { kind: 'blocks', label: 'block', many: 'blocks', undrawn: true },
] as const;

const OUTCOMES = [
  { value: '', label: 'Any' },
  { value: 'failure', label: 'failure' },
  { value: 'success', label: 'success' },
] as const;

const TIMES = [
  { value: '', label: 'Last 24 hours', ms: 24 * HOUR_MS },
  { value: '1h', label: 'Last hour', ms: HOUR_MS },
  { value: '7d', label: 'Last 7 days', ms: 7 * 24 * HOUR_MS },
  { value: 'all', label: 'All that is kept', ms: 10 * 365 * 24 * HOUR_MS },
] as const;

interface Asked {
  readonly person: string;
  readonly address: string;
  readonly outcome: string;
  readonly time: string;
}

type Page = Views['operator/attempts'];

export function attemptsPage(router: Router, web: Web): void {
  router.get(ATTEMPTS, requireConsole(web.context), (ctx) => showAttempts(ctx, web));
}

async function showAttempts(ctx: Koa.Context, web: Web): Promise<void> {
  const { attempts, users } = web.context;
  const { asked, filter, problem } = await readFilter(readAsked(ctx), users);
  if (problem) ctx.status = 422;
  if (!problem) await web.noteRead(ctx, [filter.userId], 'attempts');
  const times = timesOf(ctx);
  const key = readKey(queryText(ctx, 'before'), queryText(ctx, 'after'));
  const [found, chart, views] = await Promise.all([
    problem ? NOTHING : attempts.page(filter, key, PAGE_SIZE),
    problem ? null : draw(web, filter, { title: titleOf(asked), times }),
    viewsBar(ctx, web, 'attempts', problem ? {} : asked),
  ]);
  const shown = found.attempts;
  const [first, last] = [shown.at(0), shown.at(-1)];
  const people = [filter.userId, ...shown.map(({ userId }) => userId)];
  const emails = await users.emails(people.filter((id) => id !== null));
  const page: Page = {
    rows: shown.map((attempt) => attemptRow(attempt, emails, asked, times)),
    views,
    chart,
    asOf: times.clock(times.now),
    problem,
    filters: {
      ...asked,
      person: emails.get(asked.person) ?? asked.person,
      active: activeFilters(asked, emails),
    },
    outcomes: OUTCOMES,
    times: TIMES.map(({ value, label }) => ({ value, label })),
    newestHref: key === null ? null : href(asked),
    newerHref: found.hasNewer && first ? href(asked, { after: placeOf(first) }) : null,
    olderHref: found.hasOlder && last ? href(asked, { before: placeOf(last) }) : null,
  };
  await web.show(ctx, 'operator/attempts', page, { title: 'Attempts', current: 'attempts', wide: true });
}

function readAsked(ctx: Koa.Context): Asked {
  return {
    person: queryText(ctx, 'person'),
    address: queryText(ctx, 'address'),
    outcome: queryText(ctx, 'outcome'),
    time: queryText(ctx, 'time'),
  };
}

/** The filter in the address, and its parts in words. */
export async function describeAttempts(ctx: Koa.Context, { context: { users } }: Web) {
  const { asked, filter, problem } = await readFilter(readAsked(ctx), users);
  const emails = await users.emails(filter.userId === null ? [] : [filter.userId]);
  return { asked: { ...asked }, labels: activeFilters(asked, emails).map(({ label }) => label), problem };
}

/** What was asked names a person by id from here on: proxies log the page's links. */
async function readFilter(typed: Asked, users: Pick<Users, 'findByEmail'>) {
  const userId =
    typed.person === '' || isUuid(typed.person)
      ? typed.person || null
      : ((await users.findByEmail(typed.person))?.id ?? null);
  const asked = { ...typed, person: userId ?? typed.person };
  const time = TIMES.find(({ value }) => value === asked.time);
  const outcome = OUTCOMES.find(({ value }) => value === asked.outcome);
  const noChoice = time && outcome ? null : 'There is no such filter. Choose from the lists.';
  const filter = {
    userId,
    address: readAddress(asked.address),
    outcome: outcome?.value || null,
    sinceMs: time?.ms ?? 0,
  };
  return { asked, filter: filter as AttemptFilter, problem: problemOf(asked, filter) ?? noChoice };
}

const NOTHING = { attempts: [], hasOlder: false, hasNewer: false } as const;

/** "2026-11-24T09:00:00.000Z_0193a1f2-…" */
function placeOf({ occurredAt, id }: ListedAttempt): string {
  return `${occurredAt.toISOString()}_${id}`;
}

function readKey(before: string, after: string): AttemptKey {
  const [older, newer] = [readPlace(before), readPlace(after)];
  if (older) return { before: older };
  return newer ? { after: newer } : null;
}

function readPlace(text: string): AttemptPlace | null {
  const [moment = '', id] = text.split('_');
  const at = MOMENT.test(moment) ? new Date(moment) : null;
  return isUuid(id) && at && !Number.isNaN(at.getTime()) ? { at, id } : null;
}

async function draw(
  { context }: Web,
  filter: AttemptFilter,
  { title, times }: { title: string; times: Times },
): Promise<Chart | null> {
  const buckets = await context.attempts.over(filter, times.now);
  if (buckets === null) return null;
  const bars = buckets.map(({ since, to, successes, failures, refused, blocks }) => ({
    from: since,
    to,
    counts: { successes, failures, refused, blocks },
    href: null,
  }));
  const { drawChart } = await import('../view/chart.ts');
  return drawChart({ bars, series: SERIES, title, times });
}

/** The list's own time, and whether more than that narrows it. */
function titleOf(asked: Asked): string {
  const time = TIMES.find(({ value }) => value === asked.time)?.label ?? '';
  return asked.person || asked.address || asked.outcome ? `${time}, with these filters` : time;
}

function problemOf(asked: Asked, found: Pick<AttemptFilter, 'userId' | 'address'>): string | null {
  if (asked.person !== '' && found.userId === null)
    return 'There is no account with this e-mail address. Check the spelling.';
  return asked.address === '' || found.address !== null
    ? null
    : 'This is not an IP address, such as 203.0.113.7, or a network, such as 2001:db8::/64.';
}

function attemptRow(
  attempt: ListedAttempt,
  emails: ReadonlyMap<string, string>,
  asked: Asked,
  times: Times,
): AttemptRow {
  const email = attempt.userId === null ? null : (emails.get(attempt.userId) ?? attempt.userId);
  const { ip } = attempt;
  return {
    occurredAt: times.clock(attempt.occurredAt),
    outcome: attempt.outcome === 'success' ? 'success' : 'failure',
    person: email === null ? null : { email, onlyHref: href({ ...asked, person: attempt.userId ?? '' }) },
    address: ip === null ? null : { text: ip, onlyHref: href({ ...asked, address: ip }) },
    device: `${describeDevice(attempt.userAgent)}${attempt.knownBrowser ? ', known' : ''}`,
    reason: attempt.reason === null ? '' : refusalWords(attempt.reason),
  };
}

function activeFilters(asked: Asked, emails: ReadonlyMap<string, string>): FilterChip[] {
  const name = (options: readonly { value: string; label: string }[], value: string) =>
    options.find((option) => option.value === value)?.label ?? value;
  const chips = [
    { label: `Person: ${emails.get(asked.person) ?? asked.person}`, without: 'person' },
    { label: `IP address: ${asked.address}`, without: 'address' },
    { label: `Outcome: ${asked.outcome}`, without: 'outcome' },
    { label: name(TIMES, asked.time), without: 'time' },
  ] as const;
  return chips
    .filter(({ without }) => asked[without] !== '')
    .map(({ label, without }) => ({ label, withoutHref: href({ ...asked, [without]: '' }) }));
}

function href(asked: Asked, key: Readonly<Record<string, string>> = {}): string {
  return withQuery(ATTEMPTS, { ...asked, ...key });
}
