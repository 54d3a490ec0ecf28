// What hashing leaves for everything else: log-ins a second beside the bare rate of the hash library on the same core, and how
// long a page takes meanwhile and during a flood of refused attempts. Rounds of each in turns, medians; renews the table in
// docs/security.md.
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startOwnServers } from '../../harness/own-servers.ts';
import { circumstances, table, writeInto } from '../report.ts';
import { canPin } from '../speed/processes.ts';
import { measureApart } from './apart.ts';
import { startServer } from './server.ts';

const { values } = parseArgs({ options: { short: { type: 'boolean' } } });
const [ROUNDS, ROUND_MS] = values.short ? [1, 2_000] : [5, 5_000];
const PEOPLE = 64;
/** Far more than one person types, and what one client at a time can send without an effort. */
const FLOOD_PER_SECOND = 500;

const stores = await startOwnServers();
const FREE = '999999/999999/1h';
const server = await startServer(stores, PEOPLE, {
  // One failure shuts an account to a client for as long as this takes.
  ...{ THROTTLE_ACCOUNT_CLIENT: '1/1/1h', THROTTLE_CLIENT: FREE, THROTTLE_ACCOUNT: FREE, THROTTLE_DEVICE: FREE },
  ...{ THROTTLE_LOGINS: '999999/1h', THROTTLE_BLOCK_FIRST: '1h' },
});
type Figure = 'hashes' | 'logIns' | 'logInMs' | 'anywhere' | 'quiet' | 'storm' | 'flood' | 'refusedMs';
const rounds: Record<Figure, number>[] = [];
try {
  // Until the compiler has seen enough: a process that has just started is another measurement.
  await server.logIns(12 * ROUND_MS, PEOPLE);
  await server.flood(2 * ROUND_MS, FLOOD_PER_SECOND);
  for (let round = 0; round < ROUNDS; round += 1) {
    // The library has a whole core to itself, and so has the web process with everything that it does: its pages, its hashes.
    server.pin('apart');
    const about = { ms: ROUND_MS, hash: server.passwordHash, password: server.password };
    const hashes = await measureApart({ what: 'hashes', ...about }, 'server');
    const logIns = await server.logIns(ROUND_MS, PEOPLE);
    server.pin('anywhere');
    const anywhere = await server.logIns(ROUND_MS, PEOPLE);
    const quiet = await pages();
    const [storm] = await Promise.all([pages(), server.logIns(ROUND_MS, PEOPLE)]);
    const [flood] = await Promise.all([pages(), server.flood(ROUND_MS, FLOOD_PER_SECOND)]);
    await delay(500);
    const refused = await server.flood(ROUND_MS, FLOOD_PER_SECOND);
    rounds.push({
      ...{ hashes, logIns: logIns.perSecond, logInMs: logIns.cpuMs, anywhere: anywhere.perSecond },
      ...{ quiet, storm, flood, refusedMs: refused.cpuMs },
    });
    process.stderr.write(`${JSON.stringify(rounds.at(-1))}\n`);
  }
} finally {
  await server.stop();
  await stores.close();
}

function pages(): Promise<number> {
  return measureApart({ what: 'pages', ms: ROUND_MS, url: server.url, cookie: server.cookie }, 'anywhere');
}

const median = (of: (round: (typeof rounds)[number]) => number): number => {
  const sorted = rounds.map(of).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
};
const share = median((round) => round.logIns / round.hashes);
const shareAnywhere = median((round) => round.anywhere / round.hashes);
const inStorm = median((round) => round.storm / round.quiet);
const inFlood = median((round) => round.flood / round.quiet);
const cost = median((round) => round.refusedMs);
const kept = (is: boolean) => (is ? 'yes' : 'no');
const figure = (value: number) => value.toFixed(value < 10 ? 2 : 0);
const onACore = canPin ? ', on one core' : '';
const rows = [
  [`hashes a second, the library alone, one at a time${onACore}`, figure(median(({ hashes }) => hashes)), '', ''],
  [`log-ins a second, ${PEOPLE} at once, the web process${onACore}`, figure(median(({ logIns }) => logIns)), '', ''],
  ['log-ins for each hash of the library alone', `${figure(100 * share)} %`, '85 % or more', kept(share >= 0.85)],
  [
    'processor time of a log-in in the web process beside its hash, ms',
    figure(median(({ hashes, logInMs }) => logInMs - 1_000 / hashes)),
    '',
    '',
  ],
  [
    'log-ins a second where everything shares all cores, for each hash of the library alone',
    `${figure(median(({ anywhere }) => anywhere))}, ${figure(100 * shareAnywhere)} %`,
    '',
    '',
  ],
  ['`/profile`, quiet: 99 % within, ms', figure(median(({ quiet }) => quiet)), '', ''],
  ['the same during that storm, against quiet', `${figure(inStorm)} ×`, '3 × or less', kept(inStorm <= 3)],
  [
    `during ${FLOOD_PER_SECOND} refused attempts a second, against quiet`,
    `${figure(inFlood)} ×`,
    '2 × or less',
    kept(inFlood <= 2),
  ],
  ['processor time of a refused attempt, its page included, ms', figure(cost), 'less than 1', kept(cost < 1)],
];
const text = `${circumstances()} · medians of ${ROUNDS} rounds\n\n${table(['', 'measured', 'aim', 'kept'], rows)}`;
process.stdout.write(`${text}\n`);
if (!values.short) writeInto('docs/security.md', 'hashing', text);
