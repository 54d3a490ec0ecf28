// Pages go before hashes: the threads that hash get what the event loop, the stores and everybody else leave of the
// processors. Only Linux has a priority for each thread; elsewhere all stay alike.
import { readlink } from 'node:fs/promises';
import { getPriority, setPriority } from 'node:os';

/** Ten steps below the process it gets about a tenth of a contended core: setpriority(2), sched(7). */
const STEPS = 10;
const LOWEST = 19;
/** libuv's, unless UV_THREADPOOL_SIZE says otherwise. */
const THREADS = Number(process.env['UV_THREADPOOL_SIZE'] ?? 4);
const ROUNDS = 50;

/** Returns how many of the pool's threads it found and lowered; 0 where there is no /proc. */
export async function lowerHashThreads(): Promise<number> {
  const found = new Set<string>();
  // Such a link is read by a thread of the pool, and names the thread that reads it.
  for (let round = 0; round < ROUNDS && found.size < THREADS; round += 1) {
    const links = await Promise.allSettled(Array.from({ length: THREADS }, () => readlink('/proc/thread-self')));
    for (const link of links) if (link.status === 'fulfilled') found.add(link.value.replace(/.*\//, ''));
  }
  for (const thread of found) setPriority(Number(thread), hashingNiceness());
  return found.size;
}

/** Below this process, whatever it was started with: nobody but root may raise a thread. */
export function hashingNiceness(): number {
  return Math.min(LOWEST, getPriority() + STEPS);
}
