// Work that is asked for often and need not be done as often.

export interface Coalesced {
  /** Asks for the work. Returns at once and never throws. */
  ask(): void;
  /** Does at once what was asked for and not done yet, and waits for it. */
  finish(): Promise<void>;
}

/** Works when asked, at most once in `everyMs`; what is asked for meanwhile is done at the end. */
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
