// What a flood leaves for everybody else, by the rules as they come: of one member, of one address, of one IPv6 /48 and of one
// known browser, each at 500 requests a second. Meanwhile ten others log in, and pages are asked for.
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { deviceOf } from '../../harness/attacker.ts';
import { startOwnServers } from '../../harness/own-servers.ts';
import { circumstances, table, writeInto } from '../report.ts';
import { floodApart, measureApart } from './apart.ts';
import type { FloodAnswers, FloodOrder } from './flood.ts';
import { startServer } from './server.ts';

const { values } = parseArgs({ options: { short: { type: 'boolean' }, floods: { type: 'boolean' } } });
const FLOOD_MS = values.short ? 5_000 : 30_000;
const PER_SECOND = 500;
const OTHERS = 10;
const FLOODS = 4;

const stores = await startOwnServers();
// One to read pages, one to flood with, and ten new ones a flood.
const server = await startServer(stores, 2 + OTHERS * FLOODS);
const { emails, guess, password, url } = server;
let nextOther = 2;
const rows: string[][] = [];
try {
  for (let warm = 0; warm < 2; warm += 1) await pages(5_000);
  const [, member = ''] = emails;
  const device = deviceOf(await guess({ email: member, password, ip: '198.51.100.1' }));
  const by = { url, ms: FLOOD_MS, perSecond: PER_SECOND, email: member, password, device };
  await measureFlood('one member: wrong confirmations, changes, forbidden pages, in turns', {
    ...by,
    from: 'a member',
  });
  await measureFlood('one address, at as many accounts', { ...by, from: 'an address' });
  await measureFlood('one IPv6 /48, each from another /64', { ...by, from: 'a /48' });
  await measureFlood('one known browser, with the right password', { ...by, from: 'a known browser' });
} finally {
  await server.stop();
  await stores.close();
}
const head = [
  '500 requests a second, for 30 seconds, of',
  'were answered with',
  'log-ins of others',
  '99 % of pages',
  'kept',
];
const text = `${circumstances()}\n\n${table(head, rows)}`;
process.stdout.write(`${text}\n`);
if (!values.short) writeInto('docs/security.md', 'floods', text);

/** Beside its own quiet: the machine may be another one by then. */
async function measureFlood(name: string, order: FloodOrder): Promise<void> {
  const quiet = await pages(FLOOD_MS / 2);
  const [answers, flooded, others] = await Promise.all([floodApart(order), pages(FLOOD_MS), logInOthers()]);
  const times = flooded / quiet;
  const kept = times <= 3 && others === OTHERS ? 'yes' : 'no';
  rows.push([name, counted(answers), `${others} of ${OTHERS}`, `${times.toFixed(2)} × of quiet`, kept]);
  process.stderr.write(`${rows.at(-1)?.join(' · ')} (quiet: ${quiet.toFixed(1)} ms)\n`);
  await delay(1_000);
}

function pages(ms: number): Promise<number> {
  return measureApart({ what: 'pages', ms, url, cookie: server.cookie }, 'anywhere');
}

/** One after the other over the time of the flood, each new here and at an address of its own; returns how many got in. */
async function logInOthers(): Promise<number> {
  let entered = 0;
  for (let at = 0; at < OTHERS; at += 1) {
    await delay(FLOOD_MS / (OTHERS + 2));
    const email = emails[nextOther] ?? '';
    const { status } = await guess({ email, password, ip: `198.18.1.${nextOther}` }).catch(() => ({ status: 0 }));
    nextOther += 1;
    if (status === 303) entered += 1;
  }
  return entered;
}

function counted(answers: FloodAnswers): string {
  return answers.map(([status, count]) => `${status || 'nothing'}: ${count}`).join(', ');
}
