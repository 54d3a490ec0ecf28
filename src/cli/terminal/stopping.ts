// Ctrl-C, and the signals that are as good as it. A command that works long ends by itself, to record and say what became of it;
// any other ends at once, by an exit, so that what is left to be done at one is done.
import { constants } from 'node:os';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** The terminal and npm each send a Ctrl-C: one this soon after the first is the same. */
const SAME_MS = 1_000;

/** Who is asked to stop now, or says what stays behind. */
let running: { readonly stop: AbortController } | { readonly sentence: string } | null = null;
let askedAt: number | null = null;

export function watchSignals(): void {
  for (const signal of SIGNALS) process.on(signal, () => onSignal(signal));
}

/** Lets `work` end by itself once it is to stop; a second Ctrl-C does not wait for it. */
export async function stoppable<T>(work: (stopped: AbortSignal) => Promise<T>): Promise<T> {
  const stop = new AbortController();
  return during({ stop }, () => work(stop.signal));
}

/** For work that others go on with: a Ctrl-C ends the command at once, with this sentence. */
export function leavingBehind<T>(sentence: string, work: () => Promise<T>): Promise<T> {
  return during({ sentence }, work);
}

async function during<T>(now: NonNullable<typeof running>, work: () => Promise<T>): Promise<T> {
  running = now;
  try {
    return await work();
  } finally {
    running = null;
  }
}

function onSignal(signal: (typeof SIGNALS)[number]): void {
  if (askedAt !== null && performance.now() - askedAt < SAME_MS) return;
  if (running && 'stop' in running && askedAt === null) {
    askedAt = performance.now();
    running.stop.abort();
    return;
  }
  if (running && 'sentence' in running) process.stderr.write(`${running.sentence}\n`);
  process.exit(running ? 1 : 128 + constants.signals[signal]);
}
