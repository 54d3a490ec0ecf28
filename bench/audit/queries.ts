// The queries that operators make, with their time in the database and the pages that they read,
// which must not grow with the log.
import type pg from 'pg';
import { EVENT_COLUMNS, type EventRecord, eventOf } from '../../src/core/audit/event-rows.ts';
import {
  type AuditFilter,
  EVERY_EVENT,
  eventsQuery,
  type Query,
  type Span,
  spanQuery,
  WHOLE_LOG,
} from '../../src/core/audit/reading/query.ts';
import { beforeQuery, insideQuery, meanwhileQuery } from '../../src/core/audit/reading/session-events.ts';

const PAGE = 51;
const WARM_RUNS = 5;
const DAY = 86_400_000;
const HOUR = 3_600_000;
const TWO = ['authn_login_fail', 'authn_password_spraying'];
const FIVE = [...TWO, 'authn_login_success', 'session_ended', 'user_created'];

export interface Measured {
  readonly name: string;
  readonly targetMs: number;
  readonly firstMs: number;
  readonly warmMs: number;
  /** Of 8 KB, cached or not. */
  readonly pages: number;
  readonly rows: number;
  readonly plan: string;
}

interface Asked {
  readonly name: string;
  readonly filter: Partial<AuditFilter>;
  readonly targetMs: number;
  readonly before?: number;
  /** What is asked instead of a page of the filter. */
  readonly queries?: readonly Query[];
}

async function questions(pool: pg.Pool): Promise<Asked[]> {
  const one = async <Row>(text: string) => (await pool.query(text)).rows[0] as Row;
  const { seq, at } = await one<{ seq: string; at: Date }>(
    'SELECT seq, (SELECT max(occurred_at) FROM audit_event WHERE seq > h.seq - 1000) AS at FROM audit_head h',
  );
  const head = Number(seq);
  const middle = await one<{ person: string; session: string; ip: string; request: string }>(
    `SELECT actor_id AS person, session_id AS session, host(ip) AS ip, request_id AS request FROM audit_event
      WHERE seq > ${Math.floor(head / 2)} AND type = 'authn_login_success' AND family(ip) = 4 ORDER BY seq LIMIT 1`,
  );
  const [a = '', b = '', c = ''] = middle.ip.split('.');
  const week = { from: new Date(at.getTime() - 14 * DAY), to: new Date(at.getTime() - 7 * DAY) };
  const month = { from: new Date(at.getTime() - 30 * DAY), to: at };
  const night = { from: new Date(at.getTime() - 10 * HOUR), to: new Date(at.getTime() - 2 * HOUR) };
  const login = { types: ['authn_login_success'] };
  const { frequent } = await one<{ frequent: string[] }>(
    `SELECT array_agg(type) AS frequent FROM (SELECT type FROM audit_summary GROUP BY type
       HAVING sum(events) > (SELECT sum(events) FROM audit_summary) / 1000) AS kinds`,
  );
  const [first] = (await pool.query<EventRecord>(insideQuery([middle.session]).text, [[middle.session], 1])).rows;
  const began = eventOf(first as EventRecord);
  const about = { person: began.subject ?? middle.person, sessions: [middle.session] };
  const timeline = [insideQuery([middle.session]), beforeQuery(about, began), meanwhileQuery(about, began.seq, head)];
  return [
    { name: 'newest page', filter: {}, targetMs: 5 },
    { name: 'one person', filter: { person: middle.person }, targetMs: 10 },
    { name: 'one address', filter: { address: middle.ip }, targetMs: 10 },
    { name: 'one session', filter: { session: middle.session }, targetMs: 10 },
    { name: 'one request', filter: { request: middle.request }, targetMs: 10 },
    { name: 'type and a week', filter: { ...login, ...week }, targetMs: 10 },
    { name: 'person and type', filter: { person: middle.person, ...login }, targetMs: 10 },
    { name: 'person and outcome', filter: { person: middle.person, outcome: 'failure' }, targetMs: 10 },
    { name: 'address and a week', filter: { address: middle.ip, ...week }, targetMs: 10 },
    { name: 'address and type', filter: { address: middle.ip, ...login }, targetMs: 10 },
    { name: 'five types', filter: { types: FIVE }, targetMs: 10 },
    { name: 'two types, last night', filter: { types: TWO, ...night }, targetMs: 10 },
    { name: 'not two types', filter: { notTypes: TWO }, targetMs: 10 },
    { name: 'not two types, a week', filter: { notTypes: TWO, ...week }, targetMs: 20 },
    { name: 'all but what is rare', filter: { notTypes: frequent }, targetMs: 20 },
    { name: 'person, not two types', filter: { person: middle.person, notTypes: TWO }, targetMs: 10 },
    { name: 'a session from log-in to end', filter: {}, queries: timeline, targetMs: 10 },
    { name: 'unusual, last night', filter: { unusual: true, ...night }, targetMs: 20 },
    { name: 'unusual, ever', filter: { unusual: true }, targetMs: 20 },
    { name: 'unusual of one person', filter: { unusual: true, person: middle.person }, targetMs: 20 },
    { name: 'the 1,000th page', filter: {}, before: Math.max(1, head - 50_000), targetMs: 10 },
    { name: 'range /16', filter: { address: `${a}.${b}.0.0/16` }, targetMs: 500 },
    { name: 'range /24', filter: { address: `${a}.${b}.${c}.0/24` }, targetMs: 500 },
    { name: 'text in detail over a month, found', filter: { text: 'password_spray', ...month }, targetMs: 500 },
    {
      name: 'text in detail over a month, nothing matches',
      filter: { text: 'no such words', ...month },
      targetMs: 500,
    },
  ];
}

export async function measureQueries(pool: pg.Pool): Promise<Measured[]> {
  const measured: Measured[] = [];
  for (const { name, filter: part, targetMs, before, queries } of await questions(pool)) {
    const filter = { ...EVERY_EVENT, ...part };
    const runs: Explained[] = [];
    for (let run = 0; run <= WARM_RUNS; run += 1) {
      runs.push(queries ? await askAll(pool, queries) : await ask(pool, filter, before));
    }
    const [first, ...warm] = runs;
    const times = warm.map(({ ms }) => ms).sort((x, y) => x - y);
    const last = warm.at(-1);
    if (!first || !last) throw new Error('nothing was measured');
    const { pages, rows, plan } = last;
    measured.push({
      name,
      targetMs,
      firstMs: first.ms,
      warmMs: times[Math.floor(times.length / 2)] ?? 0,
      pages,
      rows,
      plan,
    });
  }
  return measured;
}

interface Explained {
  readonly ms: number;
  readonly pages: number;
  readonly rows: number;
  readonly plan: string;
}

async function askAll(pool: pg.Pool, queries: readonly Query[]): Promise<Explained> {
  const all: Explained[] = [];
  for (const query of queries) all.push(await explain(pool, query));
  const sum = (of: (one: Explained) => number) => all.reduce((total, one) => total + of(one), 0);
  const plan = [...new Set(all.flatMap((one) => one.plan.split(', ')))].join(', ');
  return { ms: sum(({ ms }) => ms), pages: sum(({ pages }) => pages), rows: sum(({ rows }) => rows), plan };
}

/** As the page asks: for the span of the time, then for the events. */
async function ask(pool: pg.Pool, filter: AuditFilter, before?: number): Promise<Explained> {
  let span: Span | null = WHOLE_LOG;
  let spent: Explained = { ms: 0, pages: 0, rows: 0, plan: '' };
  if (filter.from !== null || filter.to !== null) {
    const query = spanQuery(filter);
    const [row] = (await pool.query<{ first: string | null; last: string | null }>(query.text, query.values)).rows;
    spent = await explain(pool, query);
    span = row?.first && row.last ? { first: Number(row.first), last: Number(row.last) } : null;
  }
  if (span === null) return spent;
  const last = before === undefined ? span.last : before - 1;
  const query = eventsQuery(filter, { columns: EVENT_COLUMNS, span: { ...span, last }, order: 'newest', limit: PAGE });
  const events = await explain(pool, query);
  return { ...events, ms: spent.ms + events.ms, pages: spent.pages + events.pages };
}

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Index Name'?: string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Shared Hit Blocks': number;
  readonly 'Shared Read Blocks': number;
  readonly Plans?: readonly PlanNode[];
}

async function explain(pool: pg.Pool, { text, values }: Query): Promise<Explained> {
  const { rows } = await pool.query<{
    'QUERY PLAN': [{ Plan: PlanNode; 'Execution Time': number; 'Planning Time': number }];
  }>(`EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${text}`, values);
  const [found] = rows[0]?.['QUERY PLAN'] ?? [];
  if (!found) throw new Error('PostgreSQL explained nothing');
  const { Plan: plan } = found;
  return {
    ms: found['Execution Time'] + found['Planning Time'],
    pages: plan['Shared Hit Blocks'] + plan['Shared Read Blocks'],
    rows: plan['Actual Rows'],
    plan: [...new Set(waysIn(plan))].join(', '),
  };
}

/** The kinds of scan, with their indexes but without the month. */
function waysIn(node: PlanNode): string[] {
  const index = node['Index Name']?.replace(/^audit_event_\d{4}_\d\d_/, '');
  const own =
    node['Node Type'].includes('Scan') &&
    node['Actual Loops'] > 0 &&
    !/Append|Subquery|CTE|Result|Function/.test(node['Node Type']);
  return [
    ...(own ? [index ? `${node['Node Type']} ${index}` : node['Node Type']] : []),
    ...(node.Plans ?? []).flatMap(waysIn),
  ];
}
