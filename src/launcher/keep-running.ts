// Keeps one thing running: what ends by itself is started again, at once if it lived, with growing pauses if it died young.

import { setTimeout as sleep } from 'node:timers/promises';
import { type Exit, inWords } from './machine/process.ts';
import { saySeldom } from './say-seldom.ts';

export interface Runnable {
  pid: number;
  exited: Promise<Exit>;
}

export interface Kept<T extends Runnable> {
  /** The present one; while it is being started again, the last. */
  current(): T;
  /** Keeps `next` running from now on. Returns what it replaced, for the caller to stop. */
  replaceBy(next: T): T;
  /** Resolves when no start is under way; one that is gets ended. Returns the present one, for the caller to stop. */
  letGo(): Promise<T>;
}

export interface KeepRunningOptions<T extends Runnable> {
  /** As people call it. */
  name: string;
  first: T;
  /** May throw, also because the signal ended it. */
  start: (previous: T, signal: AbortSignal) => Promise<T>;
  /** Ends one that was started while another took its place. */
  end?: (surplus: T) => void;
  /** Told of deaths and failures, seldom where they go on. */
  say: (line: string) => void;
  onDeath?: (exit: Exit) => void;
  onRestart: (restarted: T) => void;
  /** `start` resolves only when it works. */
  saysBack?: boolean;
}

const youngMs = 5_000;
const firstPauseMs = 200;
const longestPauseMs = 10_000;

export function keepRunning<T extends Runnable>({
  name,
  first,
  start,
  end = () => undefined,
  say,
  onDeath,
  onRestart,
  saysBack = false,
}: KeepRunningOptions<T>): Kept<T> {
  const sayOfKind = saySeldom(say);
  let current = first;
  let startedAt = performance.now();
  let pauseMs = 0;
  let starting = Promise.resolve();
  /** A start that was due before a replacement has nothing left to do. */
  let replacements = 0;
  const ending = new AbortController();

  function watch(runnable: T): void {
    runnable.exited.then((exit) => {
      if (ending.signal.aborted || runnable !== current) return;
      sayOfKind('death', `${name} died (${inWords(exit)}) and is started again`);
      onDeath?.(exit);
      starting = startAgain();
    });
  }

  async function startAgain(): Promise<void> {
    const young = performance.now() - startedAt < youngMs;
    pauseMs = young ? Math.min(Math.max(pauseMs * 2, firstPauseMs), longestPauseMs) : 0;
    const before = replacements;
    let failed = false;
    for (;;) {
      await sleep(pauseMs, undefined, { signal: ending.signal }).catch(() => {});
      if (ending.signal.aborted || replacements !== before) return;
      try {
        startedAt = performance.now();
        const started = await start(current, ending.signal);
        if (replacements !== before) return end(started);
        current = started;
        if (saysBack || failed) sayOfKind('back', `${name} is back`);
        onRestart(current);
        return watch(current);
      } catch (error) {
        if (ending.signal.aborted) return;
        failed = true;
        const why = error instanceof Error ? error.message : String(error);
        sayOfKind('failure', `${name} can't be started again yet: ${why}`);
        pauseMs = Math.min(Math.max(pauseMs * 2, firstPauseMs), longestPauseMs);
      }
    }
  }

  watch(first);
  return {
    current: () => current,
    replaceBy(next) {
      const replaced = current;
      replacements += 1;
      current = next;
      startedAt = performance.now();
      watch(next);
      return replaced;
    },
    async letGo() {
      ending.abort();
      await starting;
      return current;
    },
  };
}
