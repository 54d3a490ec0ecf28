// Work that is asked for in bursts, and is the same however often it was asked for.

export interface Coalesced {
  /** Asks for the work. Returns at once and never throws. */
  ask(): void;
  /** Does what was asked for and not done yet, now, and waits for it. */
  finish(): Promise<void>;
}

/** Does work as soon as it is asked for, and then at most once in `everyMs`: whatever is asked for meanwhile is done together at its end. */
export function coalesce(everyMs: number, work: () => Promise<unknown>): Coalesced {
  let pause: NodeJS.Timeout | null = null;
  let asked = false;
  let done: Promise<unknown> = Promise.resolve();

  function start(): void {
    asked = false;
    done = work().catch(() => undefined);
    pause = setTimeout(() => {
      pause = null;
      if (asked) start();
    }, everyMs).unref();
  }

  return {
    ask() {
      asked = true;
      if (pause === null) start();
    },
    async finish() {
      if (pause !== null) clearTimeout(pause);
      pause = null;
      if (asked) start();
      await done;
    },
  };
}
