// A flood, in a process of its own that steps back for every other: an attacker's machine takes nothing of the server's.
import { constants, setPriority } from 'node:os';
import { type Guess, startAttacker } from '../../harness/attacker.ts';
import { atPace } from './server.ts';

/** Who floods, and with what of their own. */
export interface FloodOrder {
  readonly from: 'a member' | 'an address' | 'a /48' | 'a known browser';
  readonly url: string;
  readonly ms: number;
  readonly perSecond: number;
  readonly email: string;
  readonly password: string;
  /** `name=value` of the known browser's cookie. */
  readonly device: string;
}

/** How many were answered with each status; 0 stands for no answer. */
export type FloodAnswers = readonly (readonly [status: number, count: number])[];

type Flood = (sent: number) => Promise<{ readonly status: number }>;

/** Connections of a flood. */
const MOST_AT_ONCE = 500;

setPriority(constants.priority.PRIORITY_LOW);
process.once('message', async (order: FloodOrder) => {
  const flood = await floodOf(order);
  const ask = (sent: number) => flood(sent).catch(() => ({ status: 0 }));
  const answers = await atPace(order.ms, order.perSecond, ask, MOST_AT_ONCE);
  const counts = new Map<number, number>();
  for (const { status } of answers) counts.set(status, (counts.get(status) ?? 0) + 1);
  process.send?.(
    [...counts].sort(([a], [b]) => a - b),
    () => process.exit(0),
  );
});

async function floodOf(order: FloodOrder): Promise<Flood> {
  const { from, url, email, password, device } = order;
  if (from === 'a member') return asMember(order);
  const guess = await startAttacker(url);
  const stranger = (sent: number, ip: string): Guess => ({ email: `nobody-${sent}@example.org`, ip });
  if (from === 'an address') return (sent) => guess(stranger(sent, '203.0.113.200'));
  if (from === 'a /48') return (sent) => guess(stranger(sent, `2001:db8:1:${(sent % 65_536).toString(16)}::1`));
  return () => guess({ email, password, device, ip: '198.51.100.1' });
}

/** What a member can send again and again with one session. */
async function asMember({ url, email, password }: FloodOrder): Promise<Flood> {
  const guess = await startAttacker(url);
  const entered = await guess({ email, password, ip: '198.51.100.2' });
  const cookie = entered.cookies.map((one) => one.split(';')[0]).join('; ');
  const form = await (await fetch(`${url}/confirm`, { headers: { cookie } })).text();
  const _csrf = /name="_csrf" value="([^"]+)"/.exec(form)?.[1] ?? '';
  const headers = { cookie, 'x-forwarded-for': '198.51.100.2' };
  const post = (path: string, fields: Readonly<Record<string, string>>) =>
    fetch(url + path, { method: 'POST', redirect: 'manual', headers, body: new URLSearchParams({ _csrf, ...fields }) });
  const asked = [
    () => post('/confirm', { password: 'a wrong guess' }),
    (sent: number) => post('/language', { language: sent % 2 ? 'en' : 'de', back: '/profile' }),
    () => fetch(`${url}/operator/audit`, { redirect: 'manual', headers }),
  ];
  return async (sent) => {
    const answer = await (asked[sent % asked.length] ?? asked[0])?.(sent);
    await answer?.arrayBuffer();
    return { status: answer?.status ?? 0 };
  };
}
