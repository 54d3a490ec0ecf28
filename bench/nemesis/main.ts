// `npm run bench nemesis`: twenty minutes of kills, hangs, cuts, failovers, flushes and reloads by a seeded schedule under
// load, and then every history is checked. Prints the seed; `-- --seed 7 --minutes 5` runs that schedule again, for so long.
// Ends with 1 when a promise was broken.
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { type Installation, install } from '../../harness/installation.ts';
import { runNemesis } from '../../harness/nemesis/run.ts';
import { type SentinelSet, startSentinelSet } from '../../harness/sentinel-set.ts';

const CROWD = { keepAlive: 12, fresh: 4, people: 4, thinkTimeMs: 150 };
const MINUTE_MS = 60_000;

const { values } = parseArgs({ options: { seed: { type: 'string' }, minutes: { type: 'string', default: '20' } } });
const seed = Number(values.seed ?? randomInt(2 ** 31));
const forMs = Number(values.minutes) * MINUTE_MS;
if (!Number.isInteger(seed) || !(forMs > 0)) {
  process.stderr.write('--seed is a whole number, --minutes a number above 0.\n');
  process.exit(2);
}

let set: SentinelSet | undefined;
let installation: Installation | undefined;
const close = async () => {
  await installation?.close();
  await set?.close();
};
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void close().finally(() => process.exit(1)));

process.stdout.write(`seed ${seed}\n`);
try {
  set = await startSentinelSet();
  const env = { REDIS_URL: set.url, REDIS_SENTINEL_PASSWORD: set.sentinelPassword };
  installation = await install({ webProcesses: 2, env });
  const began = performance.now();
  const say = (line: string) =>
    process.stderr.write(`${((performance.now() - began) / 1_000).toFixed(1).padStart(7)} s  ${line}\n`);
  const world = { installation, set };
  const { violations, ...counts } = await runNemesis({ world, seed, forMs, crowd: CROWD, say });
  const counted = Object.entries(counts).map(([name, count]) => `${count} ${name}`);
  process.stdout.write(`${counted.join(', ')}\n${violations.length} violations\n`);
  for (const violation of violations) process.stdout.write(`  ${violation}\n`);
  if (violations.length > 0) process.exitCode = 1;
} finally {
  await close();
}
