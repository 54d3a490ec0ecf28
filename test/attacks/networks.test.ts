// One customer's IPv6 /48 is 65,536 clients: it guesses, registers and asks for mail no more than a few clients may, and
// Redis being emptied gives it nothing.
import { expect, test } from '@jest/globals';
import { ATTACKED, deviceOf, passTime, startAttacker } from '../../harness/attacker.ts';
import { newEmail, PASSWORD } from '../support/app.ts';
import { world } from '../support/world.ts';

const MINUTE = 60_000;
const RULES = {
  ...ATTACKED,
  THROTTLE_CLIENT: '2/3/1h',
  THROTTLE_REGISTER: '2/3/1h',
  THROTTLE_MAIL_CLIENT: '2/3/1h',
  THROTTLE_TOKEN: '2/3/1h',
  THROTTLE_FORBIDDEN: '5/20/1h',
  THROTTLE_NETWORK_FACTOR: '4',
};
const { web, worker, redis, sql, newOperator } = await world({ webs: [RULES], worker: true });
const guess = await startAttacker(web.url);

/** Each of another /64; of the same /56 for 256 in a row, unless `spread`. */
const addresses = (net: string, spread = false) => {
  let at = 0;
  return () => {
    at += 1;
    return `2001:db8:${net}:${(spread ? (at % 256) * 256 + (at >> 8) : at % 256).toString(16)}::1`;
  };
};

async function guessesIn(minutes: number, next: () => string): Promise<number> {
  let reached = 0;
  for (let minute = 0; minute < minutes; minute += 1) {
    const answers = await Promise.all(Array.from({ length: 8 }, () => guess({ email: newEmail(), ip: next() })));
    reached += answers.filter(({ status }) => status === 401).length;
    await passTime(redis, MINUTE);
  }
  return reached;
}

test.each([
  ['/56', addresses('1'), 12],
  ['/48', addresses('2', true), 48],
])(
  'one %s, each guess from a client of its own, an hour: no more than its window',
  async (_, next, most) => {
    const reached = await guessesIn(60, next);
    expect(reached).toBeLessThanOrEqual(most);
    expect(reached).toBeGreaterThan(most / 2);
  },
  120_000,
);

test('a full /48 stands in nobody else’s way: another one, IPv4, a known browser inside it', async () => {
  const email = newEmail();
  const ip = '203.0.113.1';
  const hash = await web.context.passwords.hash(PASSWORD, null);
  const origin = { ip: null, userAgent: null, requestId: null };
  await web.context.users.create({ email, passwordHash: hash, role: 'member', origin });
  const device = deviceOf(await guess({ email, password: PASSWORD, ip }));
  const next = addresses('3', true);
  for (let at = 0; at < 40; at += 1) await guess({ email: newEmail(), ip: next() });
  expect((await guess({ email, password: PASSWORD, ip: next() })).status).toBe(429);
  expect((await guess({ email, password: PASSWORD, ip: '2001:db8:4::1' })).status).toBe(303);
  expect((await guess({ email, password: PASSWORD, ip })).status).toBe(303);
  expect((await guess({ email, password: PASSWORD, device, ip: next() })).status).toBe(303);

  await redis.flushdb();
  expect((await guess({ email, password: PASSWORD, ip: next() })).status).toBe(429);
  await worker.sealing.seal();
  await redis.flushdb();
  expect((await guess({ email, password: PASSWORD, ip: next() })).status).toBe(429);
  const [block] = await sql<{ scope: string; user_id: string | null }>(
    "SELECT scope, user_id FROM throttle_block WHERE ip <<= '2001:db8:3::/48' ORDER BY started_at LIMIT 1",
  );
  expect(block).toEqual({ scope: 'client_48', user_id: null });

  const { browser } = await newOperator();
  const { text } = await browser.get('/operator/blocks');
  expect(text).toContain('One IPv6 /48, every account');
  expect(text).toContain('2001:db8:3::/48');
  const attempts = await browser.get('/operator/attempts?address=2001%3Adb8%3A3%3A%3A%2F48&time=all');
  expect(attempts.status).toBe(200);
  expect(attempts.text).toContain('2001:db8:3:');
}, 60_000);

test('forged forms of one /48 leave no more events than its window, wherever each comes from', async () => {
  const taken = [];
  const next = addresses('7', true);
  for (let at = 0; at < 200; at += 1)
    taken.push((await web.context.throttle.takeForbidden({ userId: null, ip: next() })).ok);
  expect(taken.filter(Boolean)).toHaveLength(80); // five of one client, times four for a /56, times four for a /48
  const elsewhere = { userId: null, ip: '2001:db8:8::1' };
  expect((await web.context.throttle.takeForbidden(elsewhere)).ok).toBe(true);
});

test('registrations, mails and links of one /48 are counted together too', async () => {
  const { throttle } = web.context;
  const takes = {
    register: (ip: string) => throttle.takeRegister(ip),
    mail: (ip: string) => throttle.takeMail({ address: newEmail(), ip }),
    token: (ip: string) => throttle.takeToken(ip),
  };
  for (const take of Object.values(takes)) {
    const next = addresses('5', true);
    const taken = [];
    for (let at = 0; at < 60; at += 1) taken.push((await take(next())).ok);
    expect(taken.filter(Boolean)).toHaveLength(32);
    expect((await take('2001:db8:6::1')).ok).toBe(true);
  }
});
