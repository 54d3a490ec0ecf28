// The audit log's filter: read from an address, written into links. What does not fit is named in a
// sentence and never reaches the database.
import type Koa from 'koa';
import type { Users } from '../../../core/accounts/users.ts';
import { canonicalAddress } from '../../../core/audit/canonical-event.ts';
import { type AuditFilter, EVERY_EVENT } from '../../../core/audit/reading/query.ts';
import { isUuid, queryText, withQuery } from '../../http/query.ts';
import { readZone, UTC } from '../../texts/zone.ts';
import { readLocal } from '../../texts/zoned-times.ts';
import { timesOf } from '../../view/page.ts';
import { namesIn, typeFilter, typesOf } from './asked-types.ts';
import { rangeOf } from './ranges.ts';

export const AUDIT_PATH = '/operator/audit';

export const FILTER_NAMES = [
  'type',
  'not',
  'outcome',
  'person',
  'actor',
  'session',
  'request',
  'address',
  'time',
  'from',
  'to',
  'text',
  'unusual',
] as const;

export type FilterName = (typeof FILTER_NAMES)[number];

export type Asked = Readonly<Record<FilterName, string>>;

type Problems = Partial<Record<FilterName | 'unknown', string>>;

export interface ReadFilter {
  readonly asked: Asked;
  readonly filter: AuditFilter;
  /** A sentence for each part that does not fit, and for one that is none; with any, nothing is searched. */
  readonly problems: Readonly<Problems>;
}

export const LABELS: Readonly<Record<FilterName, string>> = {
  type: 'Type',
  not: 'Not',
  outcome: 'Outcome',
  person: 'Person',
  actor: 'Done by',
  session: 'Session',
  request: 'Request',
  address: 'IP address',
  time: 'Time',
  from: 'From',
  to: 'Before',
  text: 'Detail',
  unusual: 'Unusual',
};

/** What pages of the log say in their addresses beside the filter. */
const BESIDE = ['before', 'after', 'limit', 'format', 'zone', 'as', 'view', 'done', 'which'];
const KNOWN: ReadonlySet<string> = new Set([...FILTER_NAMES, ...BESIDE]);
const MAX_NAME = 40;
const MAX_TEXT = 300;
/** Every type that there is, one after another. */
const MAX_TYPES = 4_000;
const DAY_MS = 86_400_000;
/** Years of four digits: the database writes others differently. */
const FIRST_MOMENT = new Date('0001-01-01T00:00:00Z');
const LAST_MOMENT = new Date('9999-12-31T23:59:59.999Z');
const MOMENT = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?)(Z|[+-]\d\d:\d\d)?)?$/;
const NOTHING_ASKED = Object.fromEntries(FILTER_NAMES.map((name) => [name, ''])) as Asked;

/** A person is named by e-mail address or id; what was asked names them by id from here on: proxies log the page's links. */
export async function readFilter(ctx: Koa.Context, users: Pick<Users, 'findByEmail'>): Promise<ReadFilter> {
  const asked = { ...NOTHING_ASKED };
  const problems: Problems = {};
  const typed = typedOf(ctx);
  for (const name of FILTER_NAMES) {
    const { text, problem } = readText(
      typed[name],
      LABELS[name],
      name === 'type' || name === 'not' ? MAX_TYPES : MAX_TEXT,
    );
    (asked as Record<FilterName, string>)[name] = text;
    if (problem) problems[name] = problem;
  }
  // A moment that is typed counts more than a range.
  if (asked.from !== '' || asked.to !== '') (asked as Record<FilterName, string>).time = '';
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
  const noType = 'There is no event of this type. Choose one from the list.';
  const zone = readZone(queryText(ctx, 'zone'));
  const range = take('time', rangeOf(asked.time, timesOf(ctx)), 'There is no such range. Choose one of the links.');
  const filter: AuditFilter = {
    ...EVERY_EVENT,
    ...typeFilter(take('type', typesOf(asked.type), noType), take('not', typesOf(asked.not), noType)),
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
    from: take('from', readMoment(asked.from, 0, zone), noTime('From')) ?? range?.from ?? null,
    to: take('to', readMoment(asked.to, DAY_MS, zone), noTime('Before')) ?? range?.to ?? null,
    text: take('text', asked.text, 'This is not a text.'),
    unusual: take('unusual', asked.unusual === 'yes' ? true : null, 'Unusual is yes, or left out.'),
  };
  if (filter.from && filter.to && filter.from >= filter.to) {
    problems.from = 'The time ends before it begins. Exchange From and Before.';
  }
  if (filter.types?.length === 0) problems.type = 'Every type that is asked for is left out as well.';
  const named = {
    ...asked,
    type: namesIn(asked.type).join(','),
    not: namesIn(asked.not).join(','),
    person: filter.person ?? asked.person,
    actor: filter.actor ?? asked.actor,
    from: filter.from && !range ? fieldTime(filter.from) : asked.from,
    to: filter.to && !range ? fieldTime(filter.to) : asked.to,
  };
  return { asked: named, filter, problems };
}

/** The same of an address that holds nothing else: a name that is mistyped narrows nothing, and would show everything. */
export async function readFilterAlone(ctx: Koa.Context, users: Pick<Users, 'findByEmail'>): Promise<ReadFilter> {
  const read = await readFilter(ctx, users);
  const unknown = Object.keys(ctx.query).find((name) => !KNOWN.has(name));
  if (unknown === undefined) return read;
  const problem = `There is no filter “${unknown.slice(0, MAX_NAME).toWellFormed()}”.`;
  return { ...read, problems: { ...read.problems, unknown: problem } };
}

/** With its quick range as the moments that it stands for: what is counted now is then what is acted on. */
export function pinned({ asked, filter }: Pick<ReadFilter, 'asked' | 'filter'>): Asked {
  return asked.time === '' ? asked : { ...asked, time: '', from: fieldTime(filter.from), to: fieldTime(filter.to) };
}

export function auditHref(
  asked: Partial<Asked>,
  more: Readonly<Record<string, string>> = {},
  path: string = AUDIT_PATH,
): string {
  return withQuery(path, { ...asked, ...more });
}

/** A moment as links have it, UTC. */
export function fieldTime(moment: Date | null): string {
  return moment === null ? '' : moment.toISOString().replace(/(:00)?\.000Z$|Z$/, '');
}

/** The query; types may be given again and again, as a form with boxes to tick does, and be meant as those that are not wanted. */
function typedOf({ query }: Koa.Context): Readonly<Record<string, string | string[] | undefined>> {
  const { type, not, as } = query;
  const types = { type: listed(type), not: listed(not) };
  return as === 'not' ? { ...query, type: '', not: listed([types.not, types.type]) } : { ...query, ...types };
}

function listed(value: string | string[] | undefined): string {
  return Array.isArray(value) ? value.filter((one) => one !== '').join(',') : (value ?? '');
}

function readText(
  value: string | string[] | undefined,
  label: string,
  most: number,
): { text: string; problem: string | null } {
  if (value === undefined) return { text: '', problem: null };
  if (typeof value !== 'string') return { text: '', problem: `${label} is given more than once.` };
  const text = value.trim();
  if (text.length > most) {
    return { text: text.slice(0, most).toWellFormed(), problem: `${label} has more than ${most} characters.` };
  }
  if (text.includes('\u0000') || !text.isWellFormed()) {
    const kept = text.toWellFormed().replaceAll('\u0000', '\ufffd');
    return { text: kept, problem: `${label} has a character in it that no event can have.` };
  }
  return { text, problem: null };
}

/** As the log spells it; a network with its bits. */
export function readAddress(typed: string): string | null {
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
