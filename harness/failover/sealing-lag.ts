// How far the log is behind, as the database sees it.
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';

const LOOK_MS = 100;
/** A PostgreSQL that says nothing for so long is left. */
const SILENCE_MS = 1_000;

export interface SealingLag {
  /** Ends the watch; resolves with how long an unsealed event has waited at most, in seconds. */
  stop(): Promise<number>;
}

/**
 * Looks ten times a second for the oldest event that is not sealed. Where PostgreSQL is away it sees nothing, and asks for its
 * address again.
 */
export function watchSealingLag(url: () => string): SealingLag {
  let longest = 0;
  let stopping = false;
  const look = async () => {
    const client = new pg.Client({
      connectionString: url(),
      connectionTimeoutMillis: SILENCE_MS,
      query_timeout: SILENCE_MS,
    });
    client.on('error', () => undefined);
    const age = 'SELECT coalesce(extract(epoch FROM clock_timestamp() - min(created_at)), 0)::float AS age FROM outbox';
    try {
      await client.connect();
      while (!stopping) {
        const { rows } = await client.query<{ age: number }>(age);
        longest = Math.max(longest, rows[0]?.age ?? 0);
        await delay(LOOK_MS);
      }
    } finally {
      void client.end().catch(() => undefined); // a silent one never ends
    }
  };
  const watching = (async () => {
    while (!stopping) await look().catch(() => delay(LOOK_MS));
  })();
  return {
    async stop() {
      stopping = true;
      await watching;
      return longest;
    },
  };
}
