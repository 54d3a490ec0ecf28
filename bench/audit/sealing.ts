// How fast one worker seals, compared with a bare insert of the same rows, by turns.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type pg from 'pg';
import { appendEvents, type ChainedEvent, chainEvents } from '../../src/core/audit/append.ts';
import { createSealing } from '../../src/core/audit/sealing.ts';
import { createPlaces } from '../../src/core/places/places.ts';
import type { Database } from '../../src/core/platform/database.ts';
import { createLog } from '../../src/core/platform/log.ts';
import { inTransaction } from '../../src/core/platform/postgres/connection.ts';
import { makeUp } from '../../src/core/seed/made-up-events.ts';
import { createRandom } from '../../src/core/seed/made-up-people.ts';
import type { MadeUp } from '../../src/core/seed/made-up-requests.ts';
import { createEpochs } from '../../src/core/sessions/failover/epochs.ts';
import { createSealedEndings } from '../../src/core/sessions/sealed-endings.ts';
import type { SessionCache } from '../../src/core/sessions/session-cache.ts';
import { sealedAttempts } from '../../src/core/throttle/sealed-attempts.ts';
import { createNoticing } from '../../src/core/unusual/noticing.ts';

const BATCH = 1_000;
const A_TRANSACTION = 5;
const DAY = 86_400_000;
const GENESIS = '00'.repeat(32);

export interface SealingSpeed {
  readonly events: number;
  /** Events a second, in each round. */
  readonly bare: readonly number[];
  readonly sealed: readonly number[];
}

/** In a database of its own, which the superuser empties before each round. */
export async function measureSealing(
  { pool, superuser }: { pool: pg.Pool; superuser: pg.Client },
  { events, rounds }: { events: number; rounds: number },
): Promise<SealingSpeed> {
  const to = new Date();
  const from = new Date(to.getTime() - 20 * DAY);
  const story = () => makeUp({ random: createRandom(5), events, people: 2_000, from, to });
  await superuser.query(
    `INSERT INTO user_account (id, email, email_key, password_hash)
     SELECT id, id::text, id::text, '' FROM unnest($1::uuid[]) AS id`,
    [story().people.map(({ id }) => id)],
  );
  await superuser.query('CREATE TABLE waiting (id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY, event jsonb)');
  for (const hour of story().hours)
    await superuser.query('INSERT INTO waiting (event) SELECT event::jsonb FROM unnest($1::text[]) AS event', [
      hour.map(({ event }) => JSON.stringify({ v: 1, ...event })),
    ]);
  const bare: number[] = [];
  const sealed: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    bare.push(await insertBare(pool, superuser, [...story().hours].flat()));
    sealed.push(await seal(pool, superuser, events));
  }
  return { events, bare, sealed };
}

async function insertBare(pool: pg.Pool, superuser: pg.Client, made: readonly MadeUp[]): Promise<number> {
  await empty(superuser);
  const batches: ChainedEvent[][] = [];
  let end = { seq: 0, hash: GENESIS };
  const now = new Date();
  for (let at = 0; at < made.length; at += BATCH) {
    const batch = chainEvents(
      made.slice(at, at + BATCH).map(({ event }) => event),
      { ...end, now },
    );
    batches.push(batch);
    end = batch.at(-1) ?? end;
  }
  collectGarbage();
  const began = performance.now();
  for (let at = 0; at < batches.length; at += A_TRANSACTION)
    await inTransaction(pool, async (client) => {
      for (const batch of batches.slice(at, at + A_TRANSACTION)) await appendEvents(client, batch);
    });
  return made.length / ((performance.now() - began) / 1_000);
}

async function seal(pool: pg.Pool, superuser: pg.Client, events: number): Promise<number> {
  await empty(superuser);
  await superuser.query('INSERT INTO outbox (event) SELECT event FROM waiting ORDER BY id');
  await superuser.query('VACUUM ANALYZE outbox');
  // No event of these ends a session that this database has: Redis has nothing to be told.
  const cache = { replay: async () => undefined, epochs: createEpochs() } as unknown as SessionCache;
  const places = createPlaces({ files: [], log: createLog({ level: 'silent', name: 'bench' }) });
  const sealing = createSealing({
    database: { pool } as unknown as Database,
    followers: [createSealedEndings({ cache }), sealedAttempts],
    notice: createNoticing({ places }),
  });
  await sealing.makePartitions();
  collectGarbage();
  const began = performance.now();
  const count = await sealing.seal();
  const seconds = (performance.now() - began) / 1_000;
  if (count !== events) throw new Error(`sealed ${count} of ${events}`);
  return count / seconds;
}

/** A worker holds no events but those that it seals: what this process has made up is not to be in its way. */
function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}

async function empty(superuser: pg.Client): Promise<void> {
  await superuser.query(`SET session_replication_role = replica;
    TRUNCATE audit_event, audit_summary, audit_hour, outbox, login_habit, login_attempt;
    UPDATE audit_head SET seq = 0, summary_seq = 0, hash = decode('${GENESIS}', 'hex'), sealed_at = now();
    SET session_replication_role = DEFAULT; CHECKPOINT`);
}
