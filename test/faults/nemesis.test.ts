// Faults in the order of a seed, under load: the short form of `npm run bench nemesis`.
import { randomInt } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Installation, install } from '../../harness/installation.ts';
import { runNemesis } from '../../harness/nemesis/run.ts';
import { type SentinelSet, startSentinelSet } from '../../harness/sentinel-set.ts';

const FOR_MS = 30_000;

let set: SentinelSet;
let installation: Installation;

beforeAll(async () => {
  set = await startSentinelSet();
  const env = { REDIS_URL: set.url, REDIS_SENTINEL_PASSWORD: set.sentinelPassword, PASSWORD_HASH_CONCURRENCY: '2' };
  installation = await install({ webProcesses: 2, env });
});

afterAll(async () => {
  await installation?.close();
  await set?.close();
});

test('no ended session answers, every answered log-in and log-out is in the log, and the log verifies', async () => {
  const seed = randomInt(2 ** 31);
  const crowd = { keepAlive: 6, fresh: 2, people: 2, thinkTimeMs: 60 };
  const steps: string[] = [];
  const world = { installation, set };
  const result = await runNemesis({ world, seed, forMs: FOR_MS, crowd, say: (line) => void steps.push(line) });
  // By the seed it can be had again: npm run bench nemesis -- --seed …
  expect({ seed, steps, violations: result.violations }).toEqual({ seed, steps, violations: [] });
  expect(result.steps).toBeGreaterThan(0);
  expect(result.events).toBeGreaterThan(0);
}, 240_000);
