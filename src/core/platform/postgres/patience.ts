// For those who can go on without PostgreSQL: they wait as long as it says anything, else briefly, and while it says nothing only
// one in a second does.
import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises';

const QUIET_MS = 250;
/** Waits no longer, whatever is heard meanwhile. */
const MOST_MS = 2_000;
/** After an answer that did not come, nobody waits for so long. */
const REST_MS = 1_000;

/** Reads as an outage of the database (`isDatabaseOutage`). */
class SilentDatabaseError extends Error {
  readonly code = 'ETIMEDOUT';

  constructor() {
    super('PostgreSQL does not answer');
    this.name = 'SilentDatabaseError';
  }
}

/**
 * Asks and waits until nothing has come from PostgreSQL for `quietMs`. What comes later is left to whoever asked.
 * Throws a {@link SilentDatabaseError} where no answer came in time, now or in the second before.
 */
export type Patience = <T>(ask: () => Promise<T>, quietMs?: number) => Promise<T>;

/** `heard` is how much has come from PostgreSQL, on any connection: a number that changes with it. */
export function createPatience(heard: () => number): Patience {
  let restsUntil = Number.NEGATIVE_INFINITY;

  async function silence(quietMs: number, { signal }: AbortController): Promise<never> {
    let before = heard();
    for (let left = MOST_MS; left > 0; left -= quietMs) {
      await delay(quietMs, undefined, { signal });
      // Where this process was busy itself, what came meanwhile is read first.
      await turn();
      await turn();
      const now = heard();
      if (now === before) break;
      before = now;
    }
    throw new SilentDatabaseError();
  }

  return async (ask, quietMs = QUIET_MS) => {
    if (performance.now() < restsUntil) throw new SilentDatabaseError();
    const answer = ask();
    answer.then(
      () => {
        restsUntil = Number.NEGATIVE_INFINITY;
      },
      () => undefined,
    );
    const over = new AbortController();
    try {
      return await Promise.race([answer, silence(quietMs, over)]);
    } catch (error) {
      if (error instanceof SilentDatabaseError) restsUntil = performance.now() + REST_MS;
      throw error;
    } finally {
      over.abort();
    }
  };
}
