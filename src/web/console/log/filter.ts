// The audit log's filter: read from an address, shown as chips, written into links. What does not
// fit is named in a sentence and never reaches the database.
import type Koa from 'koa';
import type { Users } from '../../../core/accounts/users.ts';
import { canonicalAddress } from '../../../core/audit/canonical-event.ts';
import { type AuditFilter, EVERY_EVENT } from '../../../core/audit/reading/query.ts';
import { isUuid, queryText, withQuery } from '../../http/query.ts';
import { readZone, UTC } from '../../texts/zone.ts';
import { readLocal, type Times } from '../../texts/zoned-times.ts';
import type { FilterChip } from '../../view/console-views.ts';
import { filterTitle, TYPE_GROUPS } from '../words/event-titles.ts';

export const AUDIT_PATH = '/operator/audit';

export const FILTER_NAMES = [
  'type',
  'outcome',
  'person',
  'actor',
  'session',
  'request',
  'address',
  'from',
  'to',
  'text',
] as const;

export type FilterName = (typeof FILTER_NAMES)[number];

export type Asked = Readonly<Record<FilterName, string>>;

export interface ReadFilter {
  readonly asked: Asked;
  readonly filter: AuditFilter;
  /** A sentence for each part that does not fit; with any, nothing is searched. */
  readonly problems: Partial<Record<FilterName, string>>;
}

const TYPES_OF = new Map<string, readonly string[]>([
  ...TYPE_GROUPS.map(({ group, types }) => [group, types.map(({ name }) => name)] as const),
  ...TYPE_GROUPS.flatMap(({ types }) => types.map(({ name }) => [name, [name]] as const)),
]);

const LABELS: Readonly<Record<FilterName, string>> = {
  type: 'Type',
  outcome: 'Outcome',
  person: 'Person',
  actor: 'Done by',
  session: 'Session',
  request: 'Request',
  address: 'IP address',
  from: 'From',
  to: 'Before',
  text: 'Detail',
};

const MAX_TEXT = 300;
const DAY_MS = 86_400_000;
/** Years of four digits: the database writes others differently. */
const FIRST_MOMENT = new Date('0001-01-01T00:00:00Z');
const LAST_MOMENT = new Date('9999-12-31T23:59:59.999Z');
const MOMENT = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?)(Z|[+-]\d\d:\d\d)?)?$/;
const NOTHING_ASKED = Object.fromEntries(FILTER_NAMES.map((name) => [name, ''])) as Asked;

/** A person is named by e-mail address or id; what was asked names them by id from here on: proxies log the page's links. */
export async function readFilter(ctx: Koa.Context, users: Pick<Users, 'findByEmail'>): Promise<ReadFilter> {
  const asked = { ...NOTHING_ASKED };
  const problems: Partial<Record<FilterName, string>> = {};
  for (const name of FILTER_NAMES) {
    const { text, problem } = readText(ctx.query[name], LABELS[name]);
    (asked as Record<FilterName, string>)[name] = text;
    if (problem) problems[name] = problem;
  }
  const take = <T>(name: FilterName, value: T | null, problem: string): T | null => {
    if (asked[name] !== '' && value === null) problems[name] ??= problem;
    return asked[name] === '' || problems[name] ? null : value;
  };
  const account = async (name: 'person' | 'actor') =>
    asked[name] === '' || problems[name] || isUuid(asked[name])
      ? asked[name] || null
      : ((await users.findByEmail(asked[name]))?.id ?? null);
  const noAccount = 'There is no account with this e-mail address. Check the spelling.';
  const noTime = (label: string) =>
    `${label} is not a moment. Write it as 2026-11-24T09:00, or as 2026-11-24T09:00Z for UTC.`;
  const zone = readZone(queryText(ctx, 'zone'));
  const filter: AuditFilter = {
    ...EVERY_EVENT,
    types: take('type', TYPES_OF.get(asked.type) ?? null, 'There is no event of this type. Choose one from the list.'),
    outcome: take(
      'outcome',
      asked.outcome === 'success' || asked.outcome === 'failure' ? asked.outcome : null,
      'The outcome is success or failure.',
    ),
    person: take('person', await account('person'), noAccount),
    actor: take('actor', await account('actor'), noAccount),
    session: take('session', isUuid(asked.session) ? asked.session : null, 'This is not the id of a session.'),
    request: take('request', asked.request, 'This is not the id of a request.'),
    address: take(
      'address',
      readAddress(asked.address),
      'This is not an IP address, such as 203.0.113.7, or a network, such as 2001:db8::/64.',
    ),
    from: take('from', readMoment(asked.from, 0, zone), noTime('From')),
    to: take('to', readMoment(asked.to, DAY_MS, zone), noTime('Before')),
    text: take('text', asked.text, 'This is not a text.'),
  };
  if (filter.from && filter.to && filter.from >= filter.to) {
    problems.from = 'The time ends before it begins. Exchange From and Before.';
  }
  const named = {
    ...asked,
    person: filter.person ?? asked.person,
    actor: filter.actor ?? asked.actor,
    from: filter.from ? fieldTime(filter.from) : asked.from,
    to: filter.to ? fieldTime(filter.to) : asked.to,
  };
  return { asked: named, filter, problems };
}

export function auditHref(
  asked: Partial<Asked>,
  more: Readonly<Record<string, string>> = {},
  path: string = AUDIT_PATH,
): string {
  return withQuery(path, { ...asked, ...more });
}

export function chipsOf(
  { asked, filter }: ReadFilter,
  emails: ReadonlyMap<string, string>,
  times: Times,
): FilterChip[] {
  return FILTER_NAMES.filter((name) => asked[name] !== '').map((name) => {
    return {
      label: `${LABELS[name]}: ${chipText(name, { asked, filter }, emails, times)}`,
      withoutHref: auditHref({ ...asked, [name]: '' }),
    };
  });
}

function chipText(
  name: FilterName,
  { asked, filter }: Pick<ReadFilter, 'asked' | 'filter'>,
  emails: ReadonlyMap<string, string>,
  times: Times,
): string {
  if (name === 'type') return filterTitle(asked.type);
  const moment = name === 'from' || name === 'to' ? filter[name] : null;
  return moment ? times.exact(moment) : (emails.get(asked[name]) ?? asked[name]);
}

/** A moment as links have it, UTC. */
export function fieldTime(moment: Date | null): string {
  return moment === null ? '' : moment.toISOString().replace(/(:00)?\.000Z$|Z$/, '');
}

function readText(value: string | string[] | undefined, label: string): { text: string; problem: string | null } {
  if (value === undefined) return { text: '', problem: null };
  if (typeof value !== 'string') return { text: '', problem: `${label} is given more than once.` };
  const text = value.trim();
  if (text.length > MAX_TEXT) {
    return { text: text.slice(0, MAX_TEXT).toWellFormed(), problem: `${label} has more than ${MAX_TEXT} characters.` };
  }
  if (text.includes('\u0000') || !text.isWellFormed()) {
    const kept = text.toWellFormed().replaceAll('\u0000', '\ufffd');
    return { text: kept, problem: `${label} has a character in it that no event can have.` };
  }
  return { text, problem: null };
}

/** As the log spells it; a network with its bits. */
function readAddress(typed: string): string | null {
  const [address = '', bits, ...rest] = typed.split('/');
  const canonical = canonicalAddress(address);
  if (canonical === null || rest.length > 0) return null;
  if (bits === undefined) return canonical;
  const most = canonical.includes(':') ? 128 : 32;
  return /^\d{1,3}$/.test(bits) && Number(bits) <= most ? `${canonical}/${Number(bits)}` : null;
}

/** By a clock of the zone that came with the form; in a link, UTC. A day alone is its start, or the start of one so long after. */
function readMoment(typed: string, laterMs: number, zoneName: string | null): Date | null {
  const [, day, time = '00:00', offset] = MOMENT.exec(typed) ?? [];
  if (day === undefined) return null;
  const midnight = new Date(`${day}T00:00:00Z`);
  if (Number.isNaN(midnight.getTime()) || midnight.toISOString().slice(0, 10) !== day) return null;
  const alone = typed === day;
  const date = alone ? new Date(midnight.getTime() + laterMs).toISOString().slice(0, 10) : day;
  const moment =
    offset === undefined ? readLocal(`${date}T${time}`, zoneName ?? UTC) : new Date(`${date}T${time}${offset}`);
  return moment !== null && moment >= FIRST_MOMENT && moment <= LAST_MOMENT ? moment : null;
}
