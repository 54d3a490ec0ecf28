// What can be asked of the sealed log, and its SQL. A page costs what the page holds, however long
// the log: each shape walks an index in the order of the log, and stops when the page is full.
import type { AuditEventType } from '../events.ts';

/** All of it must match; null leaves a part out. */
export interface AuditFilter {
  /** Any of these. */
  readonly types: readonly (AuditEventType | string)[] | null;
  readonly outcome: string | null;
  /** An account's id: events that it did, or that were done to it. */
  readonly person: string | null;
  /** An account's id: events that it did. */
  readonly actor: string | null;
  readonly session: string | null;
  readonly request: string | null;
  /** One address, or a network in CIDR notation. */
  readonly address: string | null;
  /** Occurred at or after it. */
  readonly from: Date | null;
  /** Occurred before it. */
  readonly to: Date | null;
  /** A part of the detail as a page shows it; case does not matter. */
  readonly text: string | null;
}

export const EVERY_EVENT: AuditFilter = {
  types: null,
  outcome: null,
  person: null,
  actor: null,
  session: null,
  request: null,
  address: null,
  from: null,
  to: null,
  text: null,
};

/** A part of the log, by number; both ends are in it. */
export interface Span {
  readonly first: number;
  readonly last: number;
}

export const WHOLE_LOG: Span = { first: 0, last: Number.MAX_SAFE_INTEGER };

export interface Selection {
  readonly columns: string;
  readonly span: Span;
  readonly order: 'newest' | 'oldest';
  readonly limit: number;
}

export interface Query {
  readonly text: string;
  readonly values: unknown[];
}

export function eventsQuery(filter: AuditFilter, { columns, span, order, limit }: Selection): Query {
  const values: unknown[] = [];
  const bind: Bind = (value) => `$${values.push(value)}`;
  const direction: Parts['direction'] = order === 'oldest' ? 'ASC' : 'DESC';
  const bounds = { first: bind(span.first), last: bind(span.last), limit: bind(limit), direction };
  return { text: shapeOf(filter)({ filter, columns, bind, ...bounds }), values };
}

/** Where the filter's time lies in the log; nulls where nothing happened in it. */
export function spanQuery(filter: AuditFilter): Query {
  const values: unknown[] = [];
  const where = summaryConditions(filter, (value) => `$${values.push(value)}`);
  // A worker of an older version may have sealed events without counting them.
  const text = `
    WITH counted AS (SELECT min(first_seq) AS first, max(last_seq) AS last FROM audit_summary ${where}),
         uncounted AS (SELECT summary_seq + 1 AS first, seq AS last FROM audit_head WHERE seq > summary_seq)
    SELECT min(first) AS first, max(last) AS last FROM (TABLE counted UNION ALL TABLE uncounted) AS parts`;
  return { text, values };
}

/** A WHERE for the hourly summary by time, types and outcome; or nothing. */
export function summaryConditions({ from, to, types, outcome }: AuditFilter, bind: Bind): string {
  const conditions = [
    ...(from === null ? [] : [`hour > ${bind(from)}::timestamptz - interval '1 hour'`]),
    ...(to === null ? [] : [`hour < ${bind(to)}::timestamptz`]),
    ...(types === null ? [] : [`type = ANY(${bind(types)}::text[])`]),
    ...(outcome === null ? [] : [`outcome = ${bind(outcome)}`]),
  ];
  return conditions.length > 0 ? `WHERE ${conditions.join(' AND ')}` : '';
}

export function isSummarised(filter: AuditFilter): boolean {
  return Object.values({ ...filter, types: null, outcome: null, from: null, to: null }).every((part) => part === null);
}

/** How a detail is searched: as JSON without quotation marks, as a page shows it. */
export const SEARCHED_DETAIL = `lower(replace(detail::text, '"', ''))`;

/** Up to here events are looked through one by one. */
const LOOKED_THROUGH = 2_000;

export type Bind = (value: unknown) => string;

interface Parts {
  readonly filter: AuditFilter;
  readonly columns: string;
  readonly bind: Bind;
  readonly first: string;
  readonly last: string;
  readonly limit: string;
  readonly direction: 'ASC' | 'DESC';
}

type Shape = (parts: Parts) => string;

function shapeOf({ person, actor, session, request, address, types, text }: AuditFilter): Shape {
  if (person !== null) return byPerson;
  if (request !== null) return byRequest;
  const narrow = actor ?? session ?? (address?.includes('/') ? null : address);
  if (narrow !== null) return text === null ? plain : (parts) => ofOneByText(parts);
  if (text !== null) return byText;
  return types !== null && types.length > 1 ? byTypes : plain;
}

const plain: Shape = (parts) => select(parts, conditionsOf(parts));

/** Each way in which a person appears has an index; what somebody did to themselves counts once. */
const byPerson: Shape = (parts) => {
  const person = `${parts.bind(parts.filter.person)}::uuid`;
  const way = (is: string) =>
    parts.filter.text === null ? select(parts, [...conditionsOf(parts), is]) : ofOneByText(parts, [is]);
  const did = way(`actor_id = ${person}`);
  const suffered = way(`subject_id = ${person}`);
  return `SELECT DISTINCT ON (seq) * FROM ((${did}) UNION ALL (${suffered})) AS both_ways ${tail(parts)}`;
};

/** This index is not in the order of the log; a request has few events, so all are read first. */
const byRequest: Shape = (parts) => {
  const all = `SELECT ${parts.columns} FROM audit_event WHERE ${conditionsOf(parts).join(' AND ')} OFFSET 0`;
  return `SELECT * FROM (${all}) AS of_request ${tail(parts)}`;
};

/** Each type has its place in the index, in order: a page of each is enough. */
const byTypes: Shape = (parts) => {
  const { filter, bind } = parts;
  const conditions = conditionsOf({ ...parts, filter: { ...filter, types: null } });
  const ofOne = select(parts, [...conditions, 'type = asked.type']);
  const asked = `unnest(${bind(filter.types)}::text[]) AS asked(type)`;
  return `SELECT found.* FROM ${asked} CROSS JOIN LATERAL (${ofOne}) AS found ${tail(parts)}`;
};

/** The worker notes the details of each block of events: only blocks with the text are read. */
const byText: Shape = (parts) => `SELECT * FROM (${inBlocks(parts, conditionsOf(parts))}) AS everywhere ${tail(parts)}`;

/** Few events of one person, session or address are looked through; many only block by block. */
function ofOneByText(parts: Parts, whose: readonly string[] = []): string {
  const { actor, session, address } = parts.filter;
  const theirs = conditionsOf({ ...parts, filter: { ...EVERY_EVENT, actor, session, address } });
  const conditions = [...conditionsOf(parts), ...whose];
  const few = select(parts, [...conditions, '(TABLE few)']);
  return `WITH few AS MATERIALIZED (
      SELECT count(*) <= ${LOOKED_THROUGH} FROM (
        SELECT FROM audit_event WHERE ${[...theirs, ...whose].join(' AND ')} LIMIT ${LOOKED_THROUGH + 1}) AS counted)
    SELECT * FROM ((${few}) UNION ALL ${inBlocks(parts, [...conditions, 'NOT (TABLE few)'])}) AS found ${tail(parts)}`;
}

function inBlocks(parts: Parts, conditions: readonly string[]): string {
  const { filter, bind, first, last, limit, direction } = parts;
  const text = bind(searchedText(filter.text ?? ''));
  const inBlock = select(parts, [...conditions, 'seq BETWEEN block.first_seq AND block.last_seq']);
  const known = `SELECT found.* FROM audit_text AS block CROSS JOIN LATERAL (${inBlock}) AS found
    WHERE strpos(block.details, ${text}) > 0 AND block.last_seq >= ${first} AND block.first_seq <= ${last}
    ORDER BY block.first_seq ${direction}, found.seq ${direction} LIMIT ${limit}`;
  const newer = select(parts, [...conditions, 'seq > (SELECT coalesce(max(last_seq), 0) FROM audit_text)']);
  return `(${known}) UNION ALL (${newer})`;
}

function select(parts: Parts, conditions: readonly string[]): string {
  return `SELECT ${parts.columns} FROM audit_event WHERE ${conditions.join(' AND ')} ${tail(parts)}`;
}

function tail({ direction, limit }: Parts): string {
  return `ORDER BY seq ${direction} LIMIT ${limit}`;
}

function conditionsOf({ filter, bind, first, last }: Parts): string[] {
  const { types, outcome, actor, session, request, address, from, to, text } = filter;
  return [
    `seq BETWEEN ${first} AND ${last}`,
    ...(types === null ? [] : [types.length === 1 ? `type = ${bind(types[0])}` : `type = ANY(${bind(types)}::text[])`]),
    ...(outcome === null ? [] : [`outcome = ${bind(outcome)}`]),
    ...(actor === null ? [] : [`actor_id = ${bind(actor)}::uuid`]),
    ...(session === null ? [] : [`session_id = ${bind(session)}::uuid`]),
    ...(request === null ? [] : [`request_id = ${bind(request)}`]),
    ...(address === null ? [] : [`ip ${address.includes('/') ? '<<=' : '='} ${bind(address)}::inet`]),
    ...(from === null ? [] : [`occurred_at >= ${bind(from)}`]),
    ...(to === null ? [] : [`occurred_at < ${bind(to)}`]),
    ...(text === null ? [] : [`strpos(${SEARCHED_DETAIL}, ${bind(searchedText(text))}) > 0`]),
  ];
}

function searchedText(typed: string): string {
  return JSON.stringify(typed.toLowerCase()).replaceAll('"', '');
}
