// Hashing gets what pages leave of the processors.
import { readdirSync } from 'node:fs';
import { getPriority } from 'node:os';
import { HASHING_NICENESS, lowerHashThreads } from '../../src/core/credentials/hash-threads.ts';

const onLinux = process.platform === 'linux';

test('the threads that hash yield to the event loop, which keeps its priority', async () => {
  const found = await lowerHashThreads();
  if (!onLinux) return expect(found).toBe(0);
  expect(found).toBeGreaterThan(0);
  const niceness = readdirSync('/proc/self/task').map((thread) => getPriority(Number(thread)));
  expect(niceness.filter((nice) => nice === HASHING_NICENESS)).toHaveLength(found);
  expect(getPriority(process.pid)).not.toBe(HASHING_NICENESS);
});
