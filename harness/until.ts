// Waiting for what must come true by itself, with a limit instead of a sleep.
import { setTimeout as delay } from 'node:timers/promises';

const STEP_MS = 20;
/** Longer than a busy machine needs for anything here. Only how fast something must be is a limit of its own. */
const WITHIN_MS = 60_000;

/** Resolves as soon as the condition holds; rejects when it has not within `withinMs`. */
export async function until(condition: () => boolean | Promise<boolean>, withinMs = WITHIN_MS): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms: ${condition}`);
    await delay(STEP_MS);
  }
}
