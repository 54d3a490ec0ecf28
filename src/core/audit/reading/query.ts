// What can be asked of the sealed log, and its SQL. A page costs what the page holds, however long
// the log: each shape walks an index in the order of the log, and stops when the page is full.
import type { AuditEventType } from '../events.ts';

/** All of it must match; null leaves a part out. */
export interface AuditFilter {
  /** Any of these. */
  readonly types: readonly (AuditEventType | string)[] | null;
  /** None of these. */
  readonly notTypes: readonly (AuditEventType | string)[] | null;
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
  /** Only log-ins that were unusual for their person. */
  readonly unusual: true | null;
}

export const EVERY_EVENT: AuditFilter = {
  types: null,
  notTypes: null,
  outcome: null,
  person: null,
  actor: null,
  session: null,
  request: null,
  address: null,
  from: null,
  to: null,
  text: null,
  unusual: null,
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
  return { text: shapeOf(filter, limit)({ filter, columns, bind, ...bounds }), values };
}

/** So many rows are a page of the console, whose statement each connection keeps prepared. */
const MOST_PREPARED = 64;

/** The events that are next in the log, nothing left out. To plan it costs ten times what it costs to read a page. */
export function nextQuery({ columns, span, order, limit }: Selection): Query & { readonly name?: string } {
  const direction = order === 'oldest' ? 'ASC' : 'DESC';
  const page = `ORDER BY seq ${direction} LIMIT ${Math.trunc(limit)}`;
  if (span.first > WHOLE_LOG.first || span.last < WHOLE_LOG.last) {
    const text = `SELECT ${columns} FROM audit_event WHERE seq BETWEEN $1 AND $2 ${page}`;
    return { text, values: [span.first, span.last] };
  }
  // Without a value to plan for, PostgreSQL keeps the plan.
  const name = limit <= MOST_PREPARED ? { name: `log-${order}-${limit}` } : {};
  return { ...name, text: `SELECT ${columns} FROM audit_event ${page}`, values: [] };
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
export function summaryConditions({ from, to, types, notTypes, outcome }: AuditFilter, bind: Bind): string {
  const conditions = [
    ...(from === null ? [] : [`hour > ${bind(from)}::timestamptz - interval '1 hour'`]),
    ...(to === null ? [] : [`hour < ${bind(to)}::timestamptz`]),
    ...(types === null ? [] : [`type = ANY(${bind(types)}::text[])`]),
    ...(notTypes === null ? [] : [`type <> ALL(${bind(notTypes)}::text[])`]),
    ...(outcome === null ? [] : [`outcome = ${bind(outcome)}`]),
  ];
  return conditions.length > 0 ? `WHERE ${conditions.join(' AND ')}` : '';
}

/** The table that has the hours of a filter's types and outcome: that without types is some ten times smaller. */
export function summaryFor({ types, notTypes }: AuditFilter): 'audit_hour' | 'audit_summary' {
  return types === null && notTypes === null ? 'audit_hour' : 'audit_summary';
}

/** Whether a filter lets every event through. */
export function isEvery(filter: AuditFilter): boolean {
  return Object.values(filter).every((part) => part === null);
}

export function isSummarised(filter: AuditFilter): boolean {
  const others = { ...filter, types: null, notTypes: null, outcome: null, from: null, to: null };
  return Object.values(others).every((part) => part === null);
}

/** How a detail is searched: as JSON without quotation marks, as a page shows it. */
export const SEARCHED_DETAIL = `lower(replace(detail::text, '"', ''))`;

/** Up to here events are looked through one by one. */
const LOOKED_THROUGH = 2_000;

/** What wants more is no page, and reads a part of the log from end to end. */
const MOST_OF_A_PAGE = 500;

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

function shapeOf(
  { person, actor, session, request, address, types, notTypes, text, unusual }: AuditFilter,
  limit: number,
): Shape {
  if (person !== null) return byPerson;
  if (request !== null) return byFew;
  const one = address?.includes('/') ? null : address;
  if (text !== null && (session ?? one) !== null) return (parts) => ofOneByText(parts);
  if (session !== null) return byFew;
  if (actor !== null) return byActor;
  if (one !== null) return byAddress;
  if (text !== null) return byText;
  if (unusual !== null) return plain;
  if (types === null && notTypes !== null && limit <= MOST_OF_A_PAGE) return byOtherTypes;
  return types === null ? plain : byTypes;
}

const plain: Shape = (parts) => select(parts, conditionsOf(parts));

/** As in the condition of audit_event_of_another_idx: what somebody did, but not to themselves. */
const TO_ANOTHER = 'actor_id IS DISTINCT FROM subject_id';

/** What was done to a person, by themselves or by others, and what they did to others: each has an index. */
const byPerson: Shape = (parts) => {
  const person = `${parts.bind(parts.filter.person)}::uuid`;
  return eitherWay(parts, [[`subject_id = ${person}`], [`actor_id = ${person}`, TO_ANOTHER]]);
};

const byActor: Shape = (parts) => {
  const actor = `${parts.bind(parts.filter.actor)}::uuid`;
  return eitherWay(parts, [[`subject_id = ${actor}`], [TO_ANOTHER]]);
};

function eitherWay(parts: Parts, ways: readonly (readonly string[])[]): string {
  const found = ways.map((is) =>
    parts.filter.text === null ? select(parts, [...conditionsOf(parts), ...is]) : ofOneByText(parts, is),
  );
  return `SELECT * FROM ((${found.join(') UNION ALL (')})) AS either_way ${tail(parts)}`;
}

/** Their indexes are not in the order of the log; a request or a session has few events, so all are read first. */
const byFew: Shape = (parts) => {
  const all = `SELECT ${parts.columns} FROM audit_event WHERE ${conditionsOf(parts).join(' AND ')} OFFSET 0`;
  return `SELECT * FROM (${all}) AS few ${tail(parts)}`;
};

/** Where an index has the events in blocks by number: as in the expressions of audit_event_type_block_idx and …_ip_block_idx. */
const BLOCK = { type: 8, ip: 13 } as const;

/** Each type has its place in the index, in order: a page of each is enough. */
const byTypes: Shape = (parts) => {
  const { filter, bind } = parts;
  const conditions = conditionsOf({ ...parts, filter: { ...filter, types: null } }, UNJUDGED);
  const ofOne = selectInBlocks(parts, BLOCK.type, [...conditions, 'type = asked.type']);
  const asked = `unnest(${bind(filter.types)}::text[]) AS asked(type)`;
  return `SELECT found.* FROM ${asked} CROSS JOIN LATERAL (${ofOne}) AS found ${tail(parts)}`;
};

/**
 * The events at that end of the log, without the types that are not wanted. Where these are nearly all there is, the page does not
 * fill: then the other types, found in their index one after another, give a page each.
 */
const byOtherTypes: Shape = (parts) => {
  const { filter, columns, bind, limit } = parts;
  const every = conditionsOf({ ...parts, filter: { ...filter, notTypes: null } });
  const not = bind(filter.notTypes);
  const looked = `SELECT * FROM audit_event WHERE ${every.join(' AND ')} ORDER BY seq ${parts.direction} LIMIT ${LOOKED_THROUGH}`;
  const near = `SELECT ${columns} FROM (${looked}) AS looked WHERE type <> ALL(${not}::text[]) ${tail(parts)}`;
  const unjudged = conditionsOf({ ...parts, filter: { ...filter, notTypes: null } }, UNJUDGED);
  const ofOne = selectInBlocks(parts, BLOCK.type, [...unjudged, 'type = kinds.type']);
  return `WITH RECURSIVE near AS MATERIALIZED (${near}),
      filled AS MATERIALIZED (SELECT count(*) >= ${limit} FROM near),
      kinds AS (
        (SELECT type FROM audit_event ORDER BY type LIMIT 1)
        UNION ALL
        SELECT (SELECT e.type FROM audit_event AS e WHERE e.type > kinds.type ORDER BY e.type LIMIT 1)
          FROM kinds WHERE kinds.type IS NOT NULL)
    SELECT * FROM (
      (SELECT * FROM near WHERE (TABLE filled))
      UNION ALL
      (SELECT found.* FROM kinds CROSS JOIN LATERAL (${ofOne}) AS found
        WHERE NOT (TABLE filled) AND kinds.type <> ALL(${not}::text[]))) AS either ${tail(parts)}`;
};

/** The worker notes the details of each block of events: only blocks with the text are read. */
const byText: Shape = (parts) => `SELECT * FROM (${inBlocks(parts, conditionsOf(parts))}) AS everywhere ${tail(parts)}`;

const byAddress: Shape = (parts) => selectInBlocks(parts, BLOCK.ip, conditionsOf(parts, UNJUDGED));

/** Few events of one person, session or address are looked through; many only block by block. */
function ofOneByText(parts: Parts, whose: readonly string[] = []): string {
  const { actor, session, address } = parts.filter;
  const theirs = conditionsOf({ ...parts, filter: { ...EVERY_EVENT, actor, session, address } });
  const conditions = [...conditionsOf(parts), ...whose];
  const few = `SELECT ${parts.columns} FROM audit_event WHERE ${conditions.join(' AND ')} AND (TABLE few) OFFSET 0`;
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

/** By an index that has blocks of 2 to the power of `bits` numbers: PostgreSQL sorts one after another, until the page is full. */
function selectInBlocks(parts: Parts, bits: number, conditions: readonly string[]): string {
  const { columns, first, last, direction, limit } = parts;
  const block = `seq >> ${bits}`;
  const within = `(${block}) BETWEEN ${first}::bigint >> ${bits} AND ${last}::bigint >> ${bits}`;
  return `SELECT ${columns} FROM audit_event WHERE ${[...conditions, within].join(' AND ')}
    ORDER BY (${block}) ${direction}, seq ${direction} LIMIT ${limit}`;
}

function tail({ direction, limit }: Parts): string {
  return `ORDER BY seq ${direction} LIMIT ${limit}`;
}

/** As in the condition of audit_event_unusual_idx: PostgreSQL compares the two when it plans. */
const UNUSUAL = `detail ? 'unusual'`;

/**
 * For a bound of number or time beside the same bound by blocks: PostgreSQL takes the two for independent, expects next to no rows and
 * sorts all there are, instead of walking the index until the page is full. Of this form it can't tell anything.
 */
const UNJUDGED = (bound: string) => `CASE WHEN ${bound} THEN true END`;
const AS_IT_IS = (bound: string) => bound;

function conditionsOf({ filter, bind, first, last }: Parts, written: (bound: string) => string = AS_IT_IS): string[] {
  const { types, notTypes, outcome, actor, session, request, address, from, to, text, unusual } = filter;
  return [
    written(`seq BETWEEN ${first} AND ${last}`),
    ...(types === null ? [] : [types.length === 1 ? `type = ${bind(types[0])}` : `type = ANY(${bind(types)}::text[])`]),
    ...(notTypes === null ? [] : [`type <> ALL(${bind(notTypes)}::text[])`]),
    ...(outcome === null ? [] : [`outcome = ${bind(outcome)}`]),
    ...(actor === null ? [] : [`actor_id = ${bind(actor)}::uuid`]),
    ...(session === null ? [] : [`session_id = ${bind(session)}::uuid`]),
    ...(request === null ? [] : isOfRequest(bind(request))),
    ...(address === null ? [] : [`ip ${address.includes('/') ? '<<=' : '='} ${bind(address)}::inet`]),
    ...(from === null ? [] : [written(`occurred_at >= ${bind(from)}`)]),
    ...(to === null ? [] : [written(`occurred_at < ${bind(to)}`)]),
    ...(unusual === null ? [] : [UNUSUAL]),
    ...(text === null ? [] : [`strpos(${SEARCHED_DETAIL}, ${bind(searchedText(text))}) > 0`]),
  ];
}

/** The first as in audit_event_request_idx. */
function isOfRequest(request: string): string[] {
  return [`hashtextextended(request_id, 0) = hashtextextended(${request}, 0)`, `request_id = ${request}`];
}

function searchedText(typed: string): string {
  return JSON.stringify(typed.toLowerCase()).replaceAll('"', '');
}
