// Attempts that no log-in record tells of. Each one let through gets a record, and later its outcome, so that the
// counters can be rebuilt.
import type { Database } from '../platform/database.ts';
import type { Log } from '../platform/log.ts';
import type { OnSuccess, Taken } from './taken.ts';
import type { Window } from './windows.ts';

type Take = (windows: readonly Window[], onSuccess: OnSuccess) => Promise<Taken>;

/** The same as `take`, with a record. Throws if PostgreSQL can't take it: then the attempt costs nothing. */
export function recorded(take: Take, { pool }: Database, log: Log): Take {
  async function settle(id: string, outcome: 'success' | 'nothing', inRedis: () => Promise<void>): Promise<void> {
    await pool
      .query('UPDATE throttle_attempt SET outcome = $2 WHERE id = $1', [id, outcome])
      .catch((error: unknown) => log.debug({ err: error }, 'an attempt goes on counting in the records'));
    await inRedis();
  }

  return async (windows, onSuccess) => {
    const taken = await take(windows, onSuccess);
    if (!taken.ok) return taken;
    const { id } = taken;
    try {
      const keysOf = windows.map(({ key }) => key);
      await pool.query('INSERT INTO throttle_attempt (id, windows) VALUES ($1, $2)', [id, keysOf]);
    } catch (error) {
      await taken.giveBack();
      throw error;
    }
    return {
      ...taken,
      giveBack: () => settle(id, 'nothing', taken.giveBack),
      passed: () => settle(id, 'nothing', taken.passed),
      async succeeded() {
        if (onSuccess !== 'count') await settle(id, onSuccess === 'empty' ? 'success' : 'nothing', taken.succeeded);
      },
    };
  };
}
