// Who asks for hashes without end: a member, an account from everywhere, one address, one IPv6 network. Each is refused alone,
// and ten of ten log-ins of somebody else are answered.
import { expect, jest, test } from '@jest/globals';
import { ATTACKED, deviceOf, startAttacker } from '../../harness/attacker.ts';
import { until } from '../../harness/until.ts';
import { Browser, newEmail, PASSWORD } from '../support/app.ts';
import { enrol } from '../support/factors.ts';
import { world } from '../support/world.ts';

const { web, newMember, sql } = await world({ webs: [{ ...ATTACKED, PASSWORD_HASH_CONCURRENCY: '1' }] });
const guess = await startAttacker(web.url);
const CONNECTIONS = 24;

interface Answer {
  readonly status: number;
  readonly retryAfter: string | null;
}

/**
 * Keeps so many requests under way while somebody else logs in ten times, each from an address of its own, and until one is
 * refused unless none should be: the ten may be in before so many have arrived.
 */
async function flooded(ask: (connection: number) => Promise<Answer>, { isRefused = true } = {}) {
  const { email } = await newMember();
  let over = false;
  const answers: Answer[] = [];
  const flood = Array.from({ length: CONNECTIONS }, async (_, connection) => {
    while (!over) answers.push(await ask(connection));
  });
  const others: number[] = [];
  for (let at = 0; at < 10; at += 1) {
    others.push((await guess({ email, password: PASSWORD, ip: `203.0.113.${at}` })).status);
  }
  if (isRefused) await until(() => answers.some(busy));
  over = true;
  await Promise.all(flood);
  return { others, answers };
}

const inTime = Array(10).fill(303);
const busy = ({ status }: Answer) => status === 503;

/** The most places that anything held while it ran. */
async function mostPlaces(work: Promise<unknown>): Promise<number> {
  let most = 0;
  const watch = setInterval(() => {
    const { hashing, waiting } = web.context.passwords.queue();
    most = Math.max(most, hashing + waiting);
  }, 1);
  await work.finally(() => clearInterval(watch));
  return most;
}

async function answerOf(asked: PromiseLike<{ status: number; headers: Record<string, unknown> }>): Promise<Answer> {
  const { status, headers } = await asked;
  return { status, retryAfter: (headers['retry-after'] as string | undefined) ?? null };
}

test('a member who renews recovery codes without end holds no place at all', async () => {
  const { browser } = await newMember();
  await enrol(browser);
  const token = await browser.token('/account/security');
  const renew = () =>
    answerOf(browser.agent.post('/account/security/recovery-codes').redirects(0).type('form').send({ _csrf: token }));
  const { others, answers } = await flooded(renew, { isRefused: false });
  expect(others).toEqual(inTime);
  expect(answers.filter(busy)).toEqual([]);
}, 60_000);

test('a member who confirms without end gets 503 alone', async () => {
  const { browser } = await newMember();
  const token = await browser.token('/confirm');
  const confirm = () =>
    answerOf(browser.agent.post('/confirm').redirects(0).type('form').send({ _csrf: token, password: 'a wrong one' }));
  const running = flooded(confirm);
  expect(await mostPlaces(running)).toBeLessThanOrEqual(4 + 1);
  const { others, answers } = await running;
  expect(others).toEqual(inTime);
  const refused = answers.filter(busy);
  expect(refused.length).toBeGreaterThan(0);
  expect(new Set(refused.map(({ retryAfter }) => retryAfter))).toEqual(new Set(['5']));
}, 60_000);

test('whoever finds no place to log in costs no store anything', async () => {
  const ip = '203.0.113.99';
  let release: () => void = () => undefined;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const holding = Array.from({ length: 8 }, (_, at) =>
    web.context.passwords.admit({ account: `nobody-${at}@example.org`, ip }, () => released),
  );
  const commands = jest.spyOn(web.context.redis, 'sendCommand');
  const { status } = await guess({ email: 'nobody@example.org', ip });
  const asked = commands.mock.calls.map(([command]) => command.name).filter((name) => /multi|hincrby|eval/.test(name));
  commands.mockRestore();
  release();
  await Promise.all(holding);
  expect([status, asked]).toEqual([503, []]);
});

test('an account that is asked for from everywhere holds four places', async () => {
  const { email } = await newMember();
  const devices: string[] = [];
  for (let at = 0; at < 20; at += 1) {
    devices.push(deviceOf(await guess({ email, password: PASSWORD, ip: `198.51.100.${at}` })));
  }
  const known = (at: number) =>
    guess({ email, password: PASSWORD, device: devices[at % 20] ?? '', ip: `198.51.100.${at}` });
  const running = flooded(known);
  expect(await mostPlaces(running)).toBeLessThanOrEqual(4 + 1);
  const { others, answers } = await running;
  expect(others).toEqual(inTime);
  expect(answers.filter(busy).length).toBeGreaterThan(0);
}, 60_000);

test.each([
  ['one address', 8, () => '198.51.100.77'],
  ['one IPv6 /64', 8, (at: number) => `2001:db8:1:1::${at.toString(16)}`],
  ['one IPv6 /56', 16, (at: number) => `2001:db8:2:${at.toString(16)}::1`],
  ['one IPv6 /48', 16, (at: number) => `2001:db8:3:${(at << 8).toString(16)}::1`],
])(
  '%s, at addresses of as many accounts, holds %i places',
  async (_, places, ipOf) => {
    const running = flooded((at) => guess({ email: newEmail(), ip: ipOf(at) }));
    expect(await mostPlaces(running)).toBeLessThanOrEqual(places + 1);
    const { others, answers } = await running;
    expect(others).toEqual(inTime);
    expect(answers.filter(busy).length).toBeGreaterThan(0);
  },
  60_000,
);

test('a recovery code is looked for before anything is hashed; those of earlier versions work beside the new', async () => {
  const { browser, email, id } = await newMember();
  const { recoveryCodes } = await enrol(browser);
  const derive = web.context.passwords.derive('7K2M4QX9TA', Buffer.alloc(16, 7), null);
  await sql('INSERT INTO recovery_code (user_id, code_hash, salt) VALUES ($1, $2, $3)', [
    id,
    await derive,
    Buffer.alloc(16, 7),
  ]);
  const give = async (recovery: string) => {
    const other = new Browser(web.url);
    await other.logIn(email);
    const giving = other.submit('/login/second-factor', { recovery });
    return { places: await mostPlaces(giving), status: (await giving).status };
  };
  expect(await give(recoveryCodes[0] ?? '')).toEqual({ places: 0, status: 303 });
  expect(await give('0'.repeat(26))).toEqual({ places: 0, status: 401 });
  expect((await give('7k2m4-qx9ta')).status).toBe(303);
  expect((await give('7K2M4-QX9TA')).status).toBe(401);
  await sql('DELETE FROM recovery_code WHERE user_id = $1 AND kind IS NULL', [id]);
  expect(await give('7K2M4-QX9TA')).toEqual({ places: 0, status: 401 }); // there are no such codes any more
}, 60_000);
