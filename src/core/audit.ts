// Reading the sealed log: pages by key, newest first, and the proof that nothing in it was altered.
import { checkEvent, GENESIS_HASH, missing, type SealedEvent } from './audit-chain.ts';
import type { Detail } from './audit-events.ts';
import type { Database } from './database.ts';

export interface AuditFilter {
  readonly type: string | null;
  /** An account's id: events that it did, or that were done to it. */
  readonly person: string | null;
}

/** Where a page begins: events before (older than) or after (newer than) a seq; null for the newest. */
export type PageKey = { readonly before: number } | { readonly after: number } | null;

export interface AuditPage {
  /** Newest first. */
  readonly events: readonly SealedEvent[];
  readonly hasOlder: boolean;
  readonly hasNewer: boolean;
}

export type VerifyResult =
  | { readonly intact: true; readonly count: number; readonly seq: number }
  | { readonly intact: false; readonly seq: number; readonly problem: string };

interface Row {
  seq: string;
  sealed_at: Date;
  id: string;
  occurred_at: Date;
  type: string;
  outcome: string;
  actor_id: string | null;
  subject_id: string | null;
  session_id: string | null;
  request_id: string | null;
  detail: Detail;
  ip: string | null;
  user_agent: string | null;
  personal_salt: Buffer | null;
  personal_hash: Buffer;
  prev_hash: Buffer;
  hash: Buffer;
}

const COLUMNS = `seq, sealed_at, id, occurred_at, type, outcome, actor_id, subject_id, session_id, request_id, detail,
  host(ip) AS ip, user_agent, personal_salt, personal_hash, prev_hash, hash`;
const VERIFY_BATCH = 5_000;
/** Past this many the number of matching events is not counted to the end. */
export const COUNT_LIMIT = 1_000;

export type Audit = ReturnType<typeof createAudit>;

export function createAudit({ database: { pool } }: { database: Database }) {
  async function select(filter: AuditFilter, key: PageKey, limit: number): Promise<SealedEvent[]> {
    const { text, values } = pageQuery(COLUMNS, filter, key, limit);
    const { rows } = await pool.query<Row>(text, values);
    return rows.map(eventOf);
  }

  return {
    /** One page of the log, by key: its cost does not grow with how far back it lies. */
    async page(filter: AuditFilter, key: PageKey, size: number): Promise<AuditPage> {
      const events = await select(filter, key, size + 1);
      const more = events.length > size;
      const shown = events.slice(0, size);
      if (key !== null && 'after' in key) {
        return { events: shown.reverse(), hasNewer: more, hasOlder: true };
      }
      return { events: shown, hasOlder: more, hasNewer: key !== null };
    },

    /** How many events match, counted up to {@link COUNT_LIMIT} + 1; without a filter, the exact number. */
    async count(filter: AuditFilter): Promise<number> {
      if (filter.type === null && filter.person === null) return (await this.head()).seq;
      const { text, values } = pageQuery('seq', filter, null, COUNT_LIMIT + 1);
      const { rows } = await pool.query<{ count: string }>(`SELECT count(*) FROM (${text}) AS matching`, values);
      return Number(rows[0]?.count ?? 0);
    },

    /** The newest sealed event, as the chain's head has it. */
    async head(): Promise<{ seq: number; hash: Buffer }> {
      const { rows } = await pool.query<{ seq: string; hash: Buffer }>('SELECT seq, hash FROM audit_head WHERE id = 1');
      const head = rows[0];
      if (!head) throw new Error('audit_head has lost its row');
      return { seq: Number(head.seq), hash: head.hash };
    },

    /**
     * Recomputes the chain from its first event to the head that stood when it began, and names the first event that was
     * altered, removed or inserted. `onProgress` is told of every batch.
     */
    async verify(onProgress: (done: number, total: number) => void = () => undefined): Promise<VerifyResult> {
      const head = await this.head();
      let expected: { seq: number; prevHash: Buffer } = { seq: 1, prevHash: GENESIS_HASH };
      let read: { seq: number; sealedAt: Date | string } = { seq: Number.MIN_SAFE_INTEGER, sealedAt: '-infinity' };
      for (;;) {
        const { rows } = await pool.query<Row>(
          `SELECT ${COLUMNS} FROM audit_event WHERE (seq, sealed_at) > ($1, $2) AND seq <= $3
            ORDER BY seq, sealed_at LIMIT $4`,
          [read.seq, read.sealedAt, head.seq, VERIFY_BATCH],
        );
        for (const event of rows.map(eventOf)) {
          const problem = checkEvent(event, expected);
          if (problem) return { intact: false, seq: Math.min(event.seq, expected.seq), problem };
          expected = { seq: event.seq + 1, prevHash: event.hash };
          read = event;
        }
        onProgress(expected.seq - 1, head.seq);
        if (rows.length < VERIFY_BATCH) break;
      }
      const last = expected.seq - 1;
      if (last < head.seq) return { intact: false, seq: expected.seq, problem: missing(expected.seq, head.seq) };
      if (!expected.prevHash.equals(head.hash)) {
        return { intact: false, seq: last, problem: `event ${last} is not the one that the head of the chain names` };
      }
      const beyond = await pool.query<{ seq: string }>(
        'SELECT seq FROM audit_event WHERE seq > (SELECT seq FROM audit_head WHERE id = 1) ORDER BY seq LIMIT 1',
      );
      const inserted = beyond.rows[0];
      if (inserted)
        return {
          intact: false,
          seq: Number(inserted.seq),
          problem: `event ${inserted.seq} was inserted past the head of the chain`,
        };
      return { intact: true, count: last, seq: last };
    },
  };
}

/** Both ways a person can appear have an index of their own; each is read by it, then the two are merged. */
function pageQuery(
  columns: string,
  filter: AuditFilter,
  key: PageKey,
  limit: number,
): { text: string; values: unknown[] } {
  const values: unknown[] = [];
  const bind = (value: unknown) => `$${values.push(value)}`;
  const conditions: string[] = [];
  if (filter.type !== null) conditions.push(`type = ${bind(filter.type)}`);
  if (key !== null) conditions.push('before' in key ? `seq < ${bind(key.before)}` : `seq > ${bind(key.after)}`);
  const order = key !== null && 'after' in key ? 'ASC' : 'DESC';
  const tail = `ORDER BY seq ${order} LIMIT ${bind(limit)}`;
  const part = (extra: readonly string[]) => {
    const all = [...conditions, ...extra];
    return `SELECT ${columns} FROM audit_event ${all.length > 0 ? `WHERE ${all.join(' AND ')}` : ''} ${tail}`;
  };
  if (filter.person === null) return { text: part([]), values };
  const person = bind(filter.person);
  const did = part([`actor_id = ${person}`]);
  const suffered = part([`subject_id = ${person}`, `actor_id IS DISTINCT FROM ${person}`]);
  return { text: `SELECT * FROM ((${did}) UNION ALL (${suffered})) AS both_ways ${tail}`, values };
}

function eventOf(row: Row): SealedEvent {
  return {
    seq: Number(row.seq),
    sealedAt: row.sealed_at,
    id: row.id,
    occurredAt: row.occurred_at,
    type: row.type,
    outcome: row.outcome,
    actor: row.actor_id,
    subject: row.subject_id,
    session: row.session_id,
    requestId: row.request_id,
    detail: row.detail,
    ip: row.ip,
    userAgent: row.user_agent,
    personalSalt: row.personal_salt,
    personalHash: row.personal_hash,
    prevHash: row.prev_hash,
    hash: row.hash,
  };
}
