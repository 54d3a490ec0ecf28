// Reading the sealed log: pages by key, newest first.
import type { SealedEvent } from './audit-chain.ts';
import { AUDIT_COLUMNS, type AuditRow, eventOf } from './audit-rows.ts';
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

/** Past this many the number of matching events is not counted to the end. */
export const COUNT_LIMIT = 1_000;

export type Audit = ReturnType<typeof createAudit>;

export function createAudit({ database: { pool } }: { database: Database }) {
  async function select(filter: AuditFilter, key: PageKey, limit: number): Promise<SealedEvent[]> {
    const { text, values } = pageQuery(AUDIT_COLUMNS, filter, key, limit);
    const { rows } = await pool.query<AuditRow>(text, values);
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
