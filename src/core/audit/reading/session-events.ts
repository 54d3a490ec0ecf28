// What the log holds of one log-in, oldest first: what led to it, what was done in its sessions, and
// what operators did to its account meanwhile. Each query reads a bounded part of one index.
import type pg from 'pg';
import type { SealedEvent } from '../canonical-event.ts';
import { EVENT_COLUMNS, type EventRecord, eventOf } from '../event-rows.ts';
import type { Query } from './query.ts';

/** So many events of the sessions at most. */
export const MOST_OF_SESSIONS = 400;
const MOST_BEFORE = 20;
const MOST_MEANWHILE = 100;
/** How many events about the account are looked at for each of the other two. */
const LOOKED_BEFORE = 40;
const LOOKED_MEANWHILE = 2_000;
/** What came no longer before the first event than this may have led to it. */
const LED_TO_MS = 15 * 60_000;

export interface SessionEvents {
  /** Of the sessions themselves. */
  readonly inside: readonly SealedEvent[];
  /** About the account, of no session, from the same address, right before. */
  readonly before: readonly SealedEvent[];
  /** What others did to the account from then on, until the last event if the sessions are over. */
  readonly meanwhile: readonly SealedEvent[];
  /** There are more inside than {@link MOST_OF_SESSIONS}. */
  readonly cut: boolean;
}

/** Of sessions, by their ids; `over` once none of them lives. */
export async function readSessionEvents(
  pool: pg.Pool,
  { sessions, over }: { readonly sessions: readonly string[]; readonly over: boolean },
): Promise<SessionEvents> {
  const inside = await read(pool, insideQuery(sessions));
  const [first, last] = [inside[0], inside.at(-1)];
  if (!first || !last || first.subject === null) return { inside, before: [], meanwhile: [], cut: false };
  const about = { person: first.subject, sessions };
  const [before, meanwhile] = await Promise.all([
    read(pool, beforeQuery(about, first)),
    read(pool, meanwhileQuery(about, first.seq, over ? last.seq : Number.MAX_SAFE_INTEGER)),
  ]);
  const cut = inside.length > MOST_OF_SESSIONS;
  return { inside: inside.slice(0, MOST_OF_SESSIONS), before, meanwhile, cut };
}

async function read(pool: pg.Pool, { text, values }: Query): Promise<SealedEvent[]> {
  return (await pool.query<EventRecord>(text, values)).rows.map(eventOf);
}

export function insideQuery(sessions: readonly string[]): Query {
  const text = `
    SELECT found.* FROM unnest($1::uuid[]) AS asked(id) CROSS JOIN LATERAL (
      SELECT * FROM (SELECT ${EVENT_COLUMNS} FROM audit_event WHERE session_id = asked.id OFFSET 0) AS all_of_it
       ORDER BY seq LIMIT $2) AS found
     ORDER BY seq LIMIT $2`;
  return { text, values: [sessions, MOST_OF_SESSIONS + 1] };
}

interface About {
  readonly person: string;
  readonly sessions: readonly string[];
}

export function beforeQuery({ person }: Pick<About, 'person'>, first: SealedEvent): Query {
  const text = `
    SELECT * FROM (
      SELECT near.* FROM (
        SELECT ${EVENT_COLUMNS} FROM audit_event WHERE subject_id = $1 AND seq < $2 ORDER BY seq DESC LIMIT ${LOOKED_BEFORE}) AS near
       WHERE occurred_at > $3::timestamptz - $4 * interval '1 millisecond'
         AND session_id IS NULL AND ip IS NOT DISTINCT FROM $5::inet
       ORDER BY seq DESC LIMIT ${MOST_BEFORE}) AS newest
     ORDER BY seq`;
  return { text, values: [person, first.seq, first.occurredAt, LED_TO_MS, first.ip] };
}

/** To look is no act: it has its own events (`sensitive_read`), and this very page would fill its own list. */
export function meanwhileQuery({ person, sessions }: About, after: number, upTo: number): Query {
  const text = `
    SELECT looked.* FROM (
      SELECT ${EVENT_COLUMNS} FROM audit_event
       WHERE subject_id = $1 AND seq > $2 AND seq <= $3 ORDER BY seq LIMIT ${LOOKED_MEANWHILE}) AS looked
     WHERE actor_id <> $1 AND type <> 'sensitive_read' AND (session_id IS NULL OR session_id <> ALL ($4::uuid[]))
     ORDER BY seq LIMIT ${MOST_MEANWHILE}`;
  return { text, values: [person, after, upTo, sessions] };
}
