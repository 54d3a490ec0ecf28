// PostgreSQL's time as a process knows it without asking: for what is shown, and for what is signed for a browser and comes
// back to any process. What PostgreSQL is asked, it judges by itself (docs/decisions/0007).

/** The answer may be from any moment since the question. */
const LONGEST_ANSWER_MS = 1_000;

export type DatabaseClock = ReturnType<typeof createDatabaseClock>;

/** Before the first answer it is this machine's. */
export function createDatabaseClock() {
  /** PostgreSQL's clock less our monotonic one. */
  let offsetMs: number | null = null;

  return {
    now: (): Date => new Date(offsetMs === null ? Date.now() : performance.now() + offsetMs),

    /** `moment` is what PostgreSQL answered to a question of then (`performance.now()`). */
    learn(moment: number, askedAt: number): void {
      const tookMs = performance.now() - askedAt;
      if (offsetMs === null || tookMs <= LONGEST_ANSWER_MS) offsetMs = moment - askedAt - tookMs / 2;
    },
  };
}
