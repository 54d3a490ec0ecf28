// An attacker against the real server, from many addresses, over a day: how many guesses reach a password, and whether the
// owner gets in. Prints the table of docs/security.md; ATTACKS=long sends ten times the attempts.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Answer, ATTACKED, deviceOf, passTime, startAttacker } from '../../harness/attacker.ts';
import { until } from '../../harness/until.ts';
import { freePort } from '../../src/launcher/machine/ports.ts';
import { newEmail, PASSWORD, startWeb } from '../support/app.ts';
import { world } from '../support/world.ts';

const EFFORT = process.env['ATTACKS'] === 'long' ? 10 : 1;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** The rules as they come; only the register of test accounts is let free. */
const DEFAULTS = {
  ...ATTACKED,
  THROTTLE_ACCOUNT_CLIENT: '',
  THROTTLE_CLIENT: '',
  THROTTLE_ACCOUNT: '',
  THROTTLE_DEVICE: '',
};

const { stores, web, other: second, redis } = await world({ webs: [DEFAULTS, DEFAULTS] });
let guess: Awaited<ReturnType<typeof startAttacker>>;
let guessOnSecond: typeof guess;
const table: string[][] = [['attack', 'attempts', 'guesses', 'blocked', 'owner, known browser', 'owner, new browser']];

beforeAll(async () => {
  [guess, guessOnSecond] = await Promise.all([startAttacker(web.url), startAttacker(second.url)]);
});

afterAll(() => void process.stderr.write(`${table.map((row) => `| ${row.join(' | ')} |`).join('\n')}\n`));

interface Owner {
  readonly email: string;
  readonly device: string;
}

let owners = 0;
const ownAddress = () => `203.0.113.${owners % 250}`;

/** An account, and the browser that its owner has logged in with before. */
async function owner(): Promise<Owner> {
  owners += 1;
  const email = newEmail();
  const user = await web.context.users.create({
    email,
    passwordHash: await web.context.passwords.hash(PASSWORD, null),
    role: 'member',
    origin: { ip: null, userAgent: null, requestId: null },
  });
  expect(user.ok).toBe(true);
  return { email, device: deviceOf(await guess({ email, password: PASSWORD, ip: ownAddress() })) };
}

/** Runs an attack over some time, a step at a time; at every sixth step the owner logs in, from both browsers in turn. */
async function attack(
  name: string,
  { steps, stepMs }: { steps: number; stepMs: number },
  { email, device }: Owner,
  attempt: (step: number) => Promise<Answer[]>,
): Promise<number> {
  const answers: Answer[] = [];
  const known: boolean[] = [];
  const fresh: boolean[] = [];
  for (let step = 0; step < steps; step += 1) {
    answers.push(...(await attempt(step)));
    if (step % 6 === 5 || steps === 1) {
      const password = PASSWORD;
      known.push((await guess({ email, password, device, ip: ownAddress() })).status === 303);
      fresh.push((await guess({ email, password, ip: `203.0.114.${step % 250}` })).status === 303);
    }
    await passTime(redis, stepMs);
  }
  const guesses = answers.filter(({ status }) => status === 401).length;
  // 429 by the throttle; 503 where one client holds its places in the hash queue.
  const blocked = answers.filter(({ status }) => status === 429 || status === 503).length;
  expect(guesses + blocked).toBe(answers.length);
  const share = (of: readonly boolean[]) => `${of.filter(Boolean).length} of ${of.length}`;
  table.push([name, String(answers.length), String(guesses), String(blocked), share(known), share(fresh)]);
  expect(known).not.toContain(false);
  return guesses;
}

const many = (count: number, one: (index: number) => Promise<Answer>) =>
  Promise.all(Array.from({ length: count * EFFORT }, (_, index) => one(index)));

test('one account, one client, an hour: at most 10 guesses', async () => {
  const victim = await owner();
  const hour = { steps: 60, stepMs: MINUTE };
  const guesses = await attack('one account, one client, 1 hour', hour, victim, () =>
    many(6, () => guess({ email: victim.email, ip: '198.51.100.1' })),
  );
  expect(guesses).toBeLessThanOrEqual(10);
});

test('one account, one client, a day: at most 100 guesses', async () => {
  const victim = await owner();
  const day = { steps: 144, stepMs: 10 * MINUTE };
  const guesses = await attack('one account, one client, 24 hours', day, victim, () =>
    many(4, () => guess({ email: victim.email, ip: '198.51.100.2' })),
  );
  expect(guesses).toBeLessThanOrEqual(100);
});

test('one account, 500 clients, a day: at most 100 guesses', async () => {
  const victim = await owner();
  const day = { steps: 144, stepMs: 10 * MINUTE };
  const guesses = await attack('one account, 500 clients, 24 hours', day, victim, (step) =>
    many(8, (index) => {
      const client = (step * 8 + index) % 500;
      return guess({ email: victim.email, ip: `198.18.${client >> 8}.${client & 255}` });
    }),
  );
  expect(guesses).toBeLessThanOrEqual(100);
});

test('500 accounts, one client, an hour: at most 100 guesses', async () => {
  const victim = await owner();
  const hour = { steps: 10, stepMs: 6 * MINUTE };
  const guesses = await attack('500 accounts, one client, 1 hour', hour, victim, (step) =>
    many(50, (index) => guess({ email: `target-${step * 50 + index}@example.org`, ip: '198.51.100.3' })),
  );
  expect(guesses).toBeLessThanOrEqual(100);
});

test('32 at once, ten times, on two processes: no more than one by one', async () => {
  const victim = await owner();
  const guesses = await attack('32 at once, 10 times, 2 processes', { steps: 10, stepMs: 1_000 }, victim, () =>
    many(32, (index) => (index % 2 ? guess : guessOnSecond)({ email: victim.email, ip: '198.51.100.4' })),
  );
  expect(guesses).toBeLessThanOrEqual(5);
});

test('Redis emptied in the middle: nothing is gained', async () => {
  const victim = await owner();
  const guesses = await attack('Redis emptied 12 times in 1 minute', { steps: 12, stepMs: 0 }, victim, async () => {
    const answers = await many(8, () => guess({ email: victim.email, ip: '198.51.100.5' }));
    await redis.flushdb();
    return answers;
  });
  expect(guesses).toBeLessThanOrEqual(5);
});

test('a stolen device cookie: its own few attempts, and the owner is let in elsewhere', async () => {
  const victim = await owner();
  const other = deviceOf(await guess({ email: victim.email, password: PASSWORD, ip: ownAddress() }));
  const hour = { steps: 60, stepMs: MINUTE };
  const guesses = await attack('a stolen device cookie, 1 hour', hour, { ...victim, device: other }, (step) =>
    many(4, (index) => guess({ email: victim.email, device: victim.device, ip: `198.18.${step}.${index}` })),
  );
  expect(guesses).toBeLessThanOrEqual(10);
});

test('a forged header never buys a new window', async () => {
  const direct = await startWeb(stores, { ...DEFAULTS, TRUSTED_PROXIES: '' });
  try {
    const forge = await startAttacker(direct.url);
    const victim = await owner();
    const guesses = await attack('forged X-Forwarded-For, 1 minute', { steps: 6, stepMs: 0 }, victim, (step) =>
      many(8, (index) => forge({ email: victim.email, ip: `198.18.${step}.${index}` })),
    );
    expect(guesses).toBeLessThanOrEqual(5);
  } finally {
    await direct.close();
  }
});

test('the header that the proxy does not write buys nothing either', async () => {
  const victim = await owner();
  const run = { steps: 6, stepMs: 0 };
  const guesses = await attack('forged `Forwarded` through a proxy, 1 minute', run, victim, (step) =>
    many(8, (index) =>
      guess({ email: victim.email, ip: '198.51.100.6', forwarded: `for=198.18.${step}.${index};by=127.0.0.1` }),
    ),
  );
  expect(guesses).toBeLessThanOrEqual(5);
});

test('a clock that steps: processes three hours apart count as one', async () => {
  const shifted = await Promise.all([startShifted(3 * HOUR), startShifted(-3 * HOUR)]);
  try {
    const clocks = [guess, ...(await Promise.all(shifted.map(({ url }) => startAttacker(url))))];
    const victim = await owner();
    const hour = { steps: 60, stepMs: MINUTE };
    const guesses = await attack('clocks 3 hours fast, slow and right, 1 hour', hour, victim, () =>
      many(6, (index) => (clocks[index % clocks.length] ?? guess)({ email: victim.email, ip: '198.51.100.7' })),
    );
    expect(guesses).toBeLessThanOrEqual(10);
  } finally {
    await Promise.all(shifted.map(({ close }) => close()));
  }
}, 120_000);

/** A web process of its own, whose clock is wrong by so much. */
async function startShifted(shiftMs: number) {
  const port = await freePort();
  const child = spawn(process.execPath, ['--import', './test/support/shift-clock.mjs', 'dist/src/web/main.js'], {
    env: {
      ...process.env,
      ...{ ...DEFAULTS, NODE_ENV: 'test', CLOCK_SHIFT_MS: String(shiftMs), PORT: String(port), LOG_LEVEL: 'silent' },
      ...{ DATABASE_URL: stores.database.webUrl, REDIS_URL: stores.redisUrl },
      SESSION_KEYS: 'a-key-for-tests-that-is-long-enough',
    },
    stdio: 'inherit',
  });
  const url = `http://127.0.0.1:${port}`;
  await until(async () => (await fetch(`${url}/readyz`).catch(() => null))?.status === 200);
  const close = async () => {
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
  return { url, close };
}
