// Sessions in bulk: their copies in Redis, written by the cache as a log-in writes them, and their rows in PostgreSQL.
import { v7 as uuidv7 } from 'uuid';
import { query } from '../../harness/query.ts';
import { hashToken } from '../../src/core/credentials/random-token.ts';
import type { SessionCache } from '../../src/core/sessions/session-cache.ts';
import type { LiveRecord } from '../../src/core/sessions/session-record.ts';
import type { SessionTable } from '../../src/core/sessions/session-table.ts';

const BATCH = 1_000;
const HOUR_MS = 3_600_000;

/** What the session of this number is called in both stores. */
export function hashOf(number: number): Buffer {
  return hashToken(`made-up ${number}`);
}

/** Puts the copies of sessions that have just begun, each of another person: those numbered from `from` on, before `to`. */
export async function fillCopies(cache: SessionCache, from: number, to: number): Promise<void> {
  for (let start = from; start < to; start += BATCH) {
    const numbers = Array.from({ length: Math.min(BATCH, to - start) }, (_, index) => start + index);
    await Promise.all(
      numbers.map((number) => cache.put({ tokenHash: hashOf(number), record: justBegun(number), epoch: null })),
    );
  }
}

/** The rows of the same sessions and of their owners, in one statement. */
export async function fillRows(superuserUrl: string, from: number, to: number): Promise<void> {
  await query(
    superuserUrl,
    `WITH people AS (
       INSERT INTO user_account (id, email, email_key, password_hash)
       SELECT gen_random_uuid(), address, address, 'none'
         FROM generate_series($1::int, $2::int - 1) AS number, concat('person', number, '@example.org') AS address
       RETURNING id, substring(email_key FROM '\\d+') AS number)
     INSERT INTO session (id, token_hash, user_id, remember, idle_timeout_seconds, idle_deadline, absolute_deadline)
     SELECT gen_random_uuid(), sha256(convert_to('made-up ' || number, 'UTF8')), id, false, 86400,
            now() + interval '1 day', now() + interval '7 days'
       FROM people`,
    [from, to],
  );
  await query(superuserUrl, 'VACUUM ANALYZE session, user_account');
}

function justBegun(number: number): LiveRecord {
  const id = uuidv7();
  const owner = {
    id,
    userId: uuidv7(),
    email: `${'a'.repeat(3 + (number % 21))}@example.org`, // 15 to 35 characters
    role: 'member' as const,
    authenticationMethod: 'password' as const,
    remember: false,
    createdAt: Date.now(),
    memberSince: Date.now(),
    loginId: id,
  };
  const deadlines = { sinceSeenMs: 0, idleTimeoutMs: 24 * HOUR_MS, absoluteRemainingMs: 7 * 24 * HOUR_MS };
  return { state: 'live', owner, data: {}, ...deadlines };
}

/** A PostgreSQL in which no session ever ended: the cache asks no more of it here. */
export function nothingEnded(): SessionTable {
  const newest = { ending: 0, allEnded: null, registryVersion: 0, timeline: null, lineage: null };
  const table: Partial<SessionTable> = {
    newest: async () => newest,
    endingsAfter: async () => [],
    lookForEndings: async (since) => ({ newest, overdue: { endings: [], until: since } }),
  };
  return table as SessionTable;
}
