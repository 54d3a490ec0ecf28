// The audit log as operators read it: newest first, filtered by the address.
import type Router from '@koa/router';
import type Koa from 'koa';
import type { AuditPage, PageKey } from '../../../core/audit/reading/audit-log.ts';
import type { Glance } from '../../../core/audit/reading/glance.ts';
import { MOST_EVENTS } from '../../../core/audit/reading/histogram.ts';
import { queryText } from '../../http/query.ts';
import { requireConsole } from '../../session/access.ts';
import type { Times } from '../../texts/zoned-times.ts';
import type { Chart } from '../../view/console-views.ts';
import { timesOf, type Web } from '../../view/page.ts';
import type { Views } from '../../view/views.ts';
import { viewsBar } from '../views/views-bar.ts';
import { TYPE_GROUPS } from '../words/event-titles.ts';
import { namesIn } from './asked-types.ts';
import { chipsOf } from './chips.ts';
import { EXPORT_PATH, verifyCommand } from './export.ts';
import {
  type Asked,
  AUDIT_PATH,
  auditHref,
  FILTER_NAMES,
  fieldTime,
  pinned,
  type ReadFilter,
  readFilterAlone,
} from './filter.ts';
import { RANGES } from './ranges.ts';
import { accountsOf, auditRow } from './row.ts';
import { subjectsOf } from './subjects.ts';

const PAGE_SIZE = 50;
const LIVE_PATH = `${AUDIT_PATH}/live`;
const SECURE_PATH = `${AUDIT_PATH}/secure`;

const SERIES = [
  { kind: 'successes', label: 'success', many: 'successes' },
  { kind: 'failures', label: 'failure', many: 'failures' },
] as const;

const EXPORTS = [
  { format: 'csv', label: 'CSV' },
  { format: 'ndjson', label: 'NDJSON' },
] as const;

const NONE = { events: 0, andMore: false } as const;
const NOTHING = { events: [], hasOlder: false, hasNewer: false, lookedTo: null } as const;

type Page = Views['operator/audit'];

export function auditPage(router: Router, web: Web): void {
  router.get(AUDIT_PATH, requireConsole(web.context), (ctx) => showLog(ctx, web));
}

async function showLog(ctx: Koa.Context, web: Web): Promise<void> {
  const { auditLog, users } = web.context;
  const times = timesOf(ctx);
  const read = await readFilterAlone(ctx, users);
  const key = readKey(ctx);
  const wrong = Object.keys(read.problems).length > 0;
  if (wrong) ctx.status = 422;
  await web.noteRead(ctx, await subjectsOf(read.filter, web.context), 'events');
  const glance = await auditLog.glance();
  const [found, matching, chart, views] = await Promise.all([
    wrong ? NOTHING : auditLog.page(read.filter, key, PAGE_SIZE),
    wrong ? NONE : auditLog.count(read.filter, glance),
    wrong ? null : draw(web, read, times, glance),
    viewsBar(ctx, web, 'audit', wrong ? {} : read.asked),
  ]);
  const asked = [read.filter.person, read.filter.actor].filter((id) => id !== null);
  const emails = await users.emails([...asked, ...accountsOf(found.events)]);
  const links = linksOf(found, key, read.asked);
  const live = key === null && !wrong && read.filter.to === null;
  // Events that were sealed after the head was read may be on the page already.
  const shownTo = Math.max(glance.head, found.events[0]?.seq ?? 0);
  const page: Page = {
    rows: found.events.map((event) => auditRow(event, emails, read.asked, times)),
    asOf: times.clock(times.now),
    matching: countMatches(matching),
    total: (glance.head + 1 - glance.first).toLocaleString('en'),
    zone: times.zone,
    chart,
    filters: fieldsOf(read, emails, times),
    unusualHref: wrong || read.filter.unusual ? null : auditHref({ ...read.asked, unusual: 'yes' }),
    types: TYPE_GROUPS,
    views,
    ranges: rangeLinks(read.asked),
    several: severalOf(read),
    problem: wrong ? Object.values(read.problems).join(' ') : null,
    wrong: Object.fromEntries(Object.keys(read.problems).map((name) => [name, true])),
    ...links,
    looked: found.lookedTo === null ? null : await lookedTo(web, found.lookedTo, { links, key, times }),
    exports: wrong ? [] : exportLinks(read.asked),
    secureHref:
      wrong || Object.values(read.filter).every((part) => part === null)
        ? null
        : auditHref(pinned(read), {}, SECURE_PATH),
    verifyCommand: verifyCommand(glance.publicKey),
    liveHref: live ? auditHref(read.asked, { after: String(shownTo) }, LIVE_PATH) : null,
  };
  await web.show(ctx, 'operator/audit', page, { title: 'Audit log', current: 'audit', wide: true });
}

type Links = Pick<Page, 'newerHref' | 'olderHref' | 'newestHref'>;

function linksOf(found: AuditPage, key: PageKey, asked: Asked): Links {
  const { newer, older } = edgesOf(found, key);
  return {
    newerHref: found.hasNewer && newer ? auditHref(asked, { after: String(newer) }) : null,
    olderHref: found.hasOlder && older ? auditHref(asked, { before: String(older) }) : null,
    newestHref: key === null ? null : auditHref(asked),
  };
}

function exportLinks(asked: Asked): Page['exports'] {
  return EXPORTS.map(({ format, label }) => ({ label, href: auditHref(asked, { format }, EXPORT_PATH) }));
}

interface Looking {
  readonly links: Links;
  readonly key: PageKey;
  readonly times: Times;
}

async function lookedTo({ context }: Web, seq: number, { links, key, times }: Looking): Promise<Page['looked']> {
  const event = await context.auditLog.event(seq);
  return {
    seq: seq.toLocaleString('en'),
    at: event && times.prose(event.occurredAt),
    furtherHref: key && 'after' in key ? links.newerHref : links.olderHref,
  };
}

async function draw(
  { context }: Web,
  { asked, filter }: ReadFilter,
  times: Times,
  glance: Glance,
): Promise<Chart | null> {
  const counts = await context.histogram.over(filter, times.now, glance);
  if (counts === null) return null;
  const bars = counts.bars.map(({ from, to, successes, failures }) => ({
    from,
    to,
    counts: { successes, failures },
    href: auditHref({ ...asked, time: '', from: fieldTime(from), to: fieldTime(to) }),
  }));
  const since = times.exact(bars[0]?.from ?? times.now);
  const title = counts.cut
    ? `The newest ${MOST_EVENTS.toLocaleString('en')} of these events, since ${since}`
    : `Since ${since}`;
  const { drawChart } = await import('../../view/chart.ts');
  return drawChart({ bars, series: SERIES, title, times });
}

function fieldsOf(read: ReadFilter, emails: ReadonlyMap<string, string>, times: Times): Page['filters'] {
  const { asked, filter } = read;
  const { type, outcome, address, text } = asked;
  const person = emails.get(asked.person) ?? asked.person;
  const kept = (['not', 'actor', 'session', 'request', 'time', 'unusual'] as const).filter(
    (name) => asked[name] !== '',
  );
  const many = namesIn(type).length;
  return {
    type,
    manyTypes: many > 1 ? `${many} types` : null,
    outcome,
    person,
    address,
    text,
    from: asked.from === '' ? '' : times.field(filter.from),
    to: asked.to === '' ? '' : times.field(filter.to),
    kept: kept.map((name) => ({ name, value: asked[name] })),
    active: chipsOf(read, emails, times),
  };
}

function rangeLinks(asked: Asked): Page['ranges'] {
  return RANGES.map(({ value, label }) => ({
    label,
    href: auditHref({ ...asked, time: value, from: '', to: '' }),
    current: asked.time === value,
  }));
}

/** The form of several types: what is ticked in it, and the other parts of the filter, which it keeps. */
function severalOf({ asked, filter }: ReadFilter): Page['several'] {
  const kept = FILTER_NAMES.filter((name) => name !== 'type' && name !== 'not' && asked[name] !== '');
  return {
    ticked: new Set(filter.types ?? filter.notTypes ?? []),
    not: filter.types === null && filter.notTypes !== null,
    kept: kept.map((name) => ({ name, value: asked[name] })),
  };
}

/** Where the next pages start: the events at the ends, or where the search stopped. */
function edgesOf(
  { events, lookedTo }: AuditPage,
  key: PageKey,
): { newer: number | undefined; older: number | undefined } {
  const [newest, oldest] = [events.at(0)?.seq, events.at(-1)?.seq];
  if (lookedTo === null) return { newer: newest, older: oldest };
  if (key === null) return { newer: newest, older: lookedTo };
  return 'after' in key
    ? { newer: lookedTo, older: oldest ?? key.after + 1 }
    : { newer: newest ?? key.before - 1, older: lookedTo };
}

function countMatches(matching: { events: number; andMore: boolean } | null): string {
  if (matching === null) return 'matches not counted';
  const { events, andMore } = matching;
  return `${andMore ? 'more than ' : ''}${events.toLocaleString('en')} ${events === 1 ? 'matches' : 'match'}`;
}

function readKey(ctx: Koa.Context): PageKey {
  const before = Number(queryText(ctx, 'before') || Number.NaN);
  const after = Number(queryText(ctx, 'after') || Number.NaN);
  if (Number.isSafeInteger(before)) return { before };
  return Number.isSafeInteger(after) ? { after } : null;
}
