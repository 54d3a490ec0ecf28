// The throttle on real stores: what passes, what is refused, and who still gets in.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { v7 as uuidv7 } from 'uuid';
import { type Answer, deviceOf, passTime } from '../../harness/attacker.ts';
import { readConfig } from '../../src/core/config.ts';
import type { Taken } from '../../src/core/throttle/taken.ts';
import type { Throttle } from '../../src/core/throttle/throttle.ts';
import { Browser, newEmail, PASSWORD, startWeb, type TestProcess } from '../support/app.ts';
import { attackedWorld, newClient, reached, statuses, words } from '../support/attacked-world.ts';

const { stores, web, worker, redis, sql, guess, guessOnOther, account, fail } = await attackedWorld();

describe('an attempt', () => {
  test('is refused after five failures, with when to try again, and the right password as well', async () => {
    const email = await account();
    const ip = newClient();
    expect(statuses(await fail(email, 6, ip))).toEqual([401, 401, 401, 401, 401, 429]);
    const refused = await guess({ email, ip, password: PASSWORD });
    expect(refused.status).toBe(429);
    expect(Number(refused.retryAfter)).toBeGreaterThan(20);
    expect(Number(refused.retryAfter)).toBeLessThanOrEqual(30);
    expect(refused.text).toMatch(/Try again in \d+ seconds, at \d\d:\d\d:\d\d UTC/);
    await passTime(redis, 31_000);
    expect((await guess({ email, ip, password: PASSWORD })).status).toBe(303);
    expect(statuses(await fail(email, 5, ip))).toEqual([401, 401, 401, 401, 401]);
  });

  test('on an account that does not exist is answered the same', async () => {
    const known = await fail(await account(), 7, newClient());
    const unknown = await fail(newEmail(), 7, newClient());
    expect(statuses(unknown)).toEqual(statuses(known));
    expect(unknown.map(words)).toEqual(known.map(words));
  });

  test('of 32 at once on two processes passes as rarely as one by one', async () => {
    const email = await account();
    const ip = newClient();
    const answers = await Promise.all(
      Array.from({ length: 32 }, (_, index) => (index % 2 ? guess : guessOnOther)({ email, ip })),
    );
    expect(reached(answers)).toBe(5);
  });

  test('meets blocks that grow, and ten pass in an hour', async () => {
    const email = await account();
    const ip = newClient();
    const waits: number[] = [];
    let passed = 0;
    for (let ms = 0; ms < 3_300_000; ) {
      const answer = await guess({ email, ip });
      if (answer.status === 401) passed += 1;
      else waits.push(Number(answer.retryAfter));
      const step = answer.status === 401 ? 1_000 : Number(answer.retryAfter) * 1_000;
      await passTime(redis, step);
      ms += step;
    }
    expect(passed).toBe(10);
    expect(waits.slice(0, 4)).toEqual([29, 59, 119, 239].map((seconds) => expect.closeTo(seconds, -1)));
    expect(Math.max(...waits)).toBeLessThanOrEqual(3_600);
  });

  test('from one IPv6 network counts as one client', async () => {
    const email = await account();
    const answers: Answer[] = [];
    for (let host = 1; host <= 6; host += 1) answers.push(await guess({ email, ip: `2001:db8:7:7::${host}` }));
    expect(reached(answers)).toBe(5);
    expect((await guess({ email, ip: '2001:db8:7:8::1' })).status).toBe(401);
  });

  test('gives its point back to client and account when it succeeds', async () => {
    const email = await account();
    const ip = newClient();
    await fail(email, 2, ip);
    expect((await guess({ email, ip, password: PASSWORD })).status).toBe(303);
    expect(await redis.zcard(`hf:t:w:c:${ip}`)).toBe(2);
    expect(await redis.keys(`hf:t:w:ac:*:${ip}`)).toEqual([]);
  });
});

describe('a known browser', () => {
  test('gets in while strangers have shut the account for everybody else', async () => {
    const email = await account();
    const device = deviceOf(await guess({ email, ip: newClient(), password: PASSWORD }));
    expect(device).toMatch(/^holdfast_device=/);
    for (let client = 0; client < 20; client += 1) await guess({ email, ip: newClient() });
    expect((await guess({ email, ip: newClient(), password: PASSWORD })).status).toBe(429);
    expect((await guess({ email, ip: newClient(), password: PASSWORD, device })).status).toBe(303);
  });

  test('has a few attempts of its own, and none on another account', async () => {
    const [email, another] = [await account(), await account()];
    const device = deviceOf(await guess({ email, ip: newClient(), password: PASSWORD }));
    const own: Answer[] = [];
    for (let count = 0; count < 7; count += 1) own.push(await guess({ email, ip: newClient(), device }));
    expect(reached(own)).toBe(5);
    const ip = newClient();
    const elsewhere: Answer[] = [];
    for (let count = 0; count < 7; count += 1) elsewhere.push(await guess({ email: another, ip, device }));
    expect(reached(elsewhere)).toBe(5);
    expect(await redis.zcard(`hf:t:w:c:${ip}`)).toBe(5);
  });

  test('is a stranger again once it was revoked, and keeps its cookie when it logs out', async () => {
    const email = newEmail();
    const browser = new Browser(web.url);
    await browser.register(email);
    // One browser has one button: to forget every one would do the same.
    const { text } = await browser.get('/account/sessions');
    expect([text.includes('Forget this browser'), text.includes('Forget every')]).toEqual([true, false]);
    const left = await browser.logOut();
    expect(String(left.headers['set-cookie'])).not.toContain('holdfast_device');
    const [user] = await sql<{ id: string }>('SELECT id FROM user_account WHERE email = $1', [email]);
    const device = deviceOf(await guess({ email, ip: newClient(), password: PASSWORD }));
    await browser.logIn(email);
    expect((await browser.get('/account/sessions')).text).toContain('2 browsers have logged in');
    expect((await browser.submit('/account/devices/forget', {}, '/account/sessions')).status).toBe(303);
    expect((await browser.get('/account/sessions')).text).not.toContain('have logged in to this account before');
    expect(await web.context.devices.count(user?.id ?? '')).toBe(0);
    await worker.sealing.seal();
    expect(
      await sql("SELECT detail FROM audit_event WHERE type = 'known_devices_forgotten' AND subject_id = $1", [
        user?.id,
      ]),
    ).toEqual([{ detail: { count: 2 } }]);
    const ip = newClient();
    await guess({ email, ip, device });
    expect(await redis.zcard(`hf:t:w:c:${ip}`)).toBe(1);
  });
});

describe('a guard', () => {
  const STRICT = {
    THROTTLE_MAILBOX: '2/3/1h',
    THROTTLE_MAIL_CLIENT: '4/8/1h',
    THROTTLE_TOKEN: '2/4/1h',
    THROTTLE_SECOND_FACTOR: '3/5/1h',
    THROTTLE_REGISTER: '2/4/1h',
    THROTTLE_PASSWORD_CHANGE: '2/4/1h',
  };
  let strict: TestProcess;
  let throttle: Throttle;

  beforeAll(async () => {
    strict = await startWeb(stores, STRICT);
    throttle = strict.context.throttle;
  });
  afterAll(() => strict?.close());

  const passed = async (count: number, take: () => Promise<Taken>) => {
    const taken: Taken[] = [];
    for (let done = 0; done < count; done += 1) taken.push(await take());
    return taken.filter(({ ok }) => ok).length;
  };
  const succeed = async (taken: Taken) => (taken.ok ? taken.succeeded() : expect(taken.ok).toBe(true));

  test('of mail counts by mailbox over all clients, and by client over all mailboxes, also what succeeds', async () => {
    const address = randomUUID();
    const byMailbox = await throttle.takeMail({ address, ip: newClient() });
    await succeed(byMailbox);
    expect(await passed(4, () => throttle.takeMail({ address, ip: newClient() }))).toBe(1);
    const ip = newClient();
    expect(await passed(6, () => throttle.takeMail({ address: randomUUID(), ip }))).toBe(4);
    expect((await throttle.takeMail({ address: randomUUID(), ip: newClient() })).ok).toBe(true);
  });

  test('of links lets good ones pass and forgives no bad one for them', async () => {
    const ip = newClient();
    for (let count = 0; count < 5; count += 1) await succeed(await throttle.takeToken(ip));
    expect(await passed(1, () => throttle.takeToken(ip))).toBe(1);
    await succeed(await throttle.takeToken(ip));
    expect(await passed(3, () => throttle.takeToken(ip))).toBe(1);
  });

  test('of codes is emptied by a right one', async () => {
    const userId = randomUUID();
    expect(await passed(2, () => throttle.takeSecondFactor(userId))).toBe(2);
    await succeed(await throttle.takeSecondFactor(userId));
    expect(await passed(5, () => throttle.takeSecondFactor(userId))).toBe(3);
  });

  test('records its blocks like the others', async () => {
    const ip = newClient();
    const first = await throttle.takeToken(ip);
    const second = await throttle.takeToken(ip);
    expect([...first.blocks, ...second.blocks]).toMatchObject([
      { scope: 'token', key: `t:${ip}`, failures: 2, lastsMs: 30_000 },
    ]);
    const origin = { ip, userAgent: null, requestId: null };
    await strict.context.refusals.charge(Promise.resolve(second), { subject: randomUUID(), origin });
    await worker.sealing.seal();
    expect(await sql('SELECT scope, user_id, host(ip) AS ip FROM throttle_block WHERE host(ip) = $1', [ip])).toEqual([
      { scope: 'token', user_id: null, ip },
    ]);
  });

  test('forgets nothing when Redis is emptied in the middle, and honours what settled', async () => {
    const [address, userId, forgiven] = [randomUUID(), randomUUID(), randomUUID()];
    const [ip, registering] = [newClient(), newClient()];
    const guards: Record<string, [number, () => Promise<Taken>]> = {
      mailbox: [3, () => throttle.takeMail({ address, ip: newClient() })],
      link: [4, () => throttle.takeToken(ip)],
      code: [5, () => throttle.takeSecondFactor(userId)],
      register: [4, () => throttle.takeRegister(registering)],
      password: [4, () => throttle.takePasswordChange(userId)],
    };
    for (const [limit, take] of Object.values(guards)) await passed(limit - 2, take);
    await passed(2, () => throttle.takeSecondFactor(forgiven));
    await succeed(await throttle.takeSecondFactor(forgiven));
    const nothing = await throttle.takeSecondFactor(forgiven);
    if (nothing.ok) await nothing.giveBack();
    const gained: Record<string, number> = {};
    for (const name of Object.keys(guards)) gained[name] = 0;
    for (let round = 0; round < 6; round += 1) {
      for (const [name, [, take]] of Object.entries(guards))
        gained[name] = (gained[name] ?? 0) + (await passed(1, take));
      await redis.flushdb();
    }
    expect(gained).toEqual({ mailbox: 2, link: 2, code: 2, register: 2, password: 2 });
    expect(await passed(3, () => throttle.takeSecondFactor(forgiven))).toBe(3);
  });

  test('forgives by the order of attempts, also of those within one millisecond', async () => {
    const userId = randomUUID();
    const ids = [uuidv7(), uuidv7(), uuidv7()];
    await sql(
      `INSERT INTO throttle_attempt (id, windows, outcome, occurred_at)
       SELECT id, ARRAY['f:' || $2], outcome, statement_timestamp()
         FROM unnest($1::uuid[], ARRAY['counted', 'counted', 'success']) AS attempt (id, outcome)`,
      [ids, userId],
    );
    await redis.flushdb();
    expect(await passed(5, () => throttle.takeSecondFactor(userId))).toBe(3);
  });
});

test('registering and changing the password have limits of their own', async () => {
  await redis.del('hf:t:w:r:127.0.0.1');
  const strict = await startWeb(stores, { THROTTLE_REGISTER: '2/4/1h', THROTTLE_PASSWORD_CHANGE: '2/4/1h' });
  try {
    const browser = new Browser(strict.url);
    expect((await browser.register(newEmail())).status).toBe(303);
    expect((await new Browser(strict.url).register(newEmail())).status).toBe(303);
    const refused = await new Browser(strict.url).register(newEmail());
    expect(refused.status).toBe(429);
    expect(refused.headers['retry-after']).toBeDefined();
    const change = { current: 'not the password', password: 'another good passphrase' };
    const path = '/account/password';
    expect([
      (await browser.submit(path, change)).status,
      (await browser.submit(path, change)).status,
      (await browser.submit(path, { ...change, current: PASSWORD })).status,
    ]).toEqual([422, 422, 429]);
  } finally {
    await strict.close();
  }
});

test('a rule that can not be is refused at the start', () => {
  const env = { DATABASE_URL: 'postgresql://localhost/x', REDIS_URL: 'redis://localhost' };
  expect(() => readConfig({ ...env, THROTTLE_CLIENT: '10/5/1h' })).toThrow('THROTTLE_CLIENT');
  expect(() => readConfig({ ...env, THROTTLE_ACCOUNT: '10' })).toThrow('THROTTLE_ACCOUNT');
});
