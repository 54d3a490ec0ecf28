// The throttle on real stores: what passes, what is refused, who still gets in, what is left behind, and that nothing is
// forgotten when Redis is.
import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import pg from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { type Answer, ATTACKED, deviceOf, type Guess, passTime, startAttacker } from '../../harness/attacker.ts';
import { until } from '../../harness/until.ts';
import { readConfig } from '../../src/core/config.ts';
import { createLog } from '../../src/core/platform/log.ts';
import type { Taken } from '../../src/core/throttle/taken.ts';
import { createThrottle, type Throttle } from '../../src/core/throttle/throttle.ts';
import { Browser, newEmail, PASSWORD, startWeb, type TestProcess } from '../support/app.ts';
import { world } from '../support/world.ts';

const RULES = {
  ...ATTACKED,
  THROTTLE_ACCOUNT_CLIENT: '5/10/1h',
  THROTTLE_CLIENT: '50/100/1h',
  THROTTLE_ACCOUNT: '20/50/1d',
  THROTTLE_DEVICE: '5/10/1h',
};

const HOUR_MS = 3_600_000;

const { stores, web, other, worker, redis, sql } = await world({ webs: [RULES, RULES], worker: true });
let guess: (guess: Guess) => Promise<Answer>;
let guessOnOther: (guess: Guess) => Promise<Answer>;

beforeAll(async () => {
  [guess, guessOnOther] = await Promise.all([startAttacker(web.url), startAttacker(other.url)]);
});

let clients = 0;

/** An address that no other test uses. */
function newClient(): string {
  clients += 1;
  return `198.18.${clients >> 8}.${clients & 255}`;
}

async function account(): Promise<string> {
  const email = newEmail();
  expect((await new Browser(web.url).register(email)).status).toBe(303);
  return email;
}

async function fail(email: string, times: number, ip: string): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (let count = 0; count < times; count += 1) answers.push(await guess({ email, ip }));
  return answers;
}

const statuses = (answers: readonly Answer[]) => answers.map(({ status }) => status);
const reached = (answers: readonly Answer[]) => answers.filter(({ status }) => status !== 429).length;
const words = ({ text }: Answer) => /role="alert">(.*?)<\/p>/s.exec(text)?.[1]?.replace(/\d+/g, 'N');

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

describe('when Redis', () => {
  test('loses everything, counters and blocks come back, from sealed and from waiting records', async () => {
    const [sealed, waiting] = [await account(), await account()];
    const [first, second] = [newClient(), newClient()];
    await fail(sealed, 5, first);
    await worker.sealing.seal();
    await fail(waiting, 5, second);
    await fail(sealed, 3, second);
    await redis.flushdb();
    const answers = await Promise.all(
      Array.from({ length: 16 }, (_, index) => [
        (index % 2 ? guess : guessOnOther)({ email: sealed, ip: first }),
        (index % 2 ? guess : guessOnOther)({ email: waiting, ip: second }),
      ]).flat(),
    );
    expect(reached(answers)).toBe(0);
    expect(await redis.zcard(`hf:t:w:c:${second}`)).toBe(8);
    expect(statuses(await fail(sealed, 3, second))).toEqual([401, 401, 429]);
  });

  test('loses everything, an hour of log-ins comes back, and what an account’s window counts for a day', async () => {
    const hash = randomBytes(32);
    const [account, old, late] = [hash.toString('base64url'), newClient(), newClient()];
    const insert = `INSERT INTO login_attempt (id, occurred_at, identifier_hash, ip, outcome, device_id)
                    SELECT gen_random_uuid(), now() - $3 * interval '1 minute', $1, $2, $4, $5 FROM generate_series(1, $6)`;
    await sql(insert, [hash, old, 25 * 60, 'failure', null, 3]);
    await sql(insert, [hash, old, 90, 'failure', null, 7]);
    await sql(insert, [hash, old, 90, 'failure', randomUUID(), 3]);
    await sql(insert, [hash, late, 50, 'failure', null, 2]);
    await sql(insert, [hash, late, 40, 'success', null, 1]);
    await sql(insert, [hash, late, 30, 'failure', null, 4]);
    await redis.flushdb();
    expect((await web.context.throttle.takeLogin({ account, ip: newClient(), deviceId: null })).ok).toBe(true);
    const held = [`a:${account}`, `c:${old}`, `ac:${account}:${old}`, `c:${late}`, `ac:${account}:${late}`];
    expect(await Promise.all(held.map((key) => redis.zcard(`hf:t:w:${key}`)))).toEqual([14, 0, 0, 6, 4]);
  });

  test('loses everything after a flood, what was forgiven stays so, however much came since', async () => {
    const [forgiven, flooded] = [randomUUID(), randomUUID()];
    const insert = `INSERT INTO throttle_attempt (id, windows, outcome, occurred_at)
                    SELECT gen_random_uuid(), ARRAY['f:' || $1], $2, now() - $3 * interval '1 second' FROM generate_series(1, $4)`;
    await sql(insert, [forgiven, 'counted', 50, 4]);
    await sql(insert, [flooded, 'counted', 40, 7_000]);
    await sql(insert, [forgiven, 'success', 30, 1]);
    await sql(insert, [flooded, 'counted', 20, 7_000]);
    await sql(insert, [forgiven, 'counted', 10, 2]);
    await redis.flushdb();
    expect((await web.context.throttle.takeSecondFactor(flooded, null)).ok).toBe(false);
    expect(await redis.zcard(`hf:t:w:f:${flooded}`)).toBe(14_000);
    expect(await redis.zcard(`hf:t:w:f:${forgiven}`)).toBe(2);
    await sql('DELETE FROM throttle_attempt WHERE windows = ARRAY[$1]', [`f:${flooded}`]);
  });

  test('loses everything and the records are slow to read, nobody waits for long, and what they did counts afterwards', async () => {
    const [email, ip] = [await account(), newClient()];
    await fail(email, 1, ip);
    const holder = new pg.Client({ connectionString: stores.database.superuserUrl });
    await holder.connect();
    try {
      await holder.query('BEGIN; LOCK TABLE login_attempt');
      await redis.flushdb();
      expect(statuses(await fail(email, 2, ip))).toEqual([401, 401]);
      expect(await redis.exists('hf:t:mark')).toBe(0);
    } finally {
      await holder.end();
    }
    await until(async () => (await redis.exists('hf:t:mark')) === 1 && (await redis.zcard(`hf:t:w:c:${ip}`)) === 3);
    expect(statuses(await fail(email, 3, ip))).toEqual([401, 401, 429]);
  });

  test('loses everything and another process has read it all back, the rest is left to that one', async () => {
    const [flooded, meanwhile] = [randomUUID(), randomUUID()];
    await sql(
      `INSERT INTO throttle_attempt (id, windows, outcome, occurred_at)
       SELECT gen_random_uuid(), ARRAY['f:' || $1], 'counted', now() - interval '1 minute' FROM generate_series(1, 3000)`,
      [flooded],
    );
    const told: object[] = [];
    const log = Object.assign(createLog({ level: 'silent', name: 'test' }), {
      info: (counts: object) => told.push(counts),
    });
    const { context, config } = web;
    const throttle = createThrottle({ ...context, policy: config.throttle, log: log as typeof context.log });
    const holder = new pg.Client({ connectionString: stores.database.superuserUrl });
    await holder.connect();
    try {
      await holder.query('BEGIN; LOCK TABLE login_attempt');
      await redis.flushdb();
      expect((await throttle.takeSecondFactor(meanwhile)).ok).toBe(true);
      await redis.set('hf:t:mark', '1');
    } finally {
      await holder.end();
    }
    await until(() => told.length === 2);
    expect(told[0]).toEqual({ attempts: 1_000, blocks: 0 });
    expect(await redis.zcard(`hf:t:w:f:${flooded}`)).toBeLessThanOrEqual(1_000);
    expect(await redis.zcard(`hf:t:w:f:${meanwhile}`)).toBe(1);
    await sql('DELETE FROM throttle_attempt WHERE windows = ARRAY[$1]', [`f:${flooded}`]);
  });

  test('is away, the free attempts go on in the memory of the process', async () => {
    const away = new Redis({ port: 1, lazyConnect: true, enableOfflineQueue: false, maxRetriesPerRequest: 0 });
    away.on('error', () => undefined);
    const throttle = createThrottle({
      redis: away,
      database: web.context.database,
      policy: web.config.throttle,
      log: createLog({ level: 'silent', name: 'test' }),
    });
    const target = { account: 'nobody', ip: newClient(), deviceId: null };
    const taken = await Promise.all(Array.from({ length: 32 }, () => throttle.takeLogin(target)));
    const passed = taken.filter(({ ok }) => ok);
    expect(passed).toHaveLength(5);
    const [one] = passed;
    if (one?.ok) await one.succeeded();
    expect((await throttle.takeLogin(target)).ok).toBe(true);

    const { free } = web.config.throttle.account;
    const elsewhere = () => throttle.takeLogin({ account: 'somebody', ip: newClient(), deviceId: null });
    const all = await Promise.all(Array.from({ length: free }, elsewhere));
    expect(all.filter(({ ok }) => ok)).toHaveLength(free);
    const [success] = all;
    if (success?.ok) await Promise.all([success.succeeded(), success.succeeded(), success.giveBack()]);
    const further = await Promise.all([elsewhere(), elsewhere()]);
    expect(further.filter(({ ok }) => ok)).toHaveLength(1);
    away.disconnect();
  });
});

// What a step of its clock does is what moving all that it has written the other way does.
describe('when the clock of Redis', () => {
  test('goes back by a day, no block lasts longer than an hour, and no attempt counts for longer than its window', async () => {
    const [email, ip] = [await account(), newClient()];
    expect(statuses(await fail(email, 6, ip))).toEqual([401, 401, 401, 401, 401, 429]);
    await passTime(redis, -24 * HOUR_MS);
    const refused = await guess({ email, ip });
    expect([refused.status, refused.retryAfter]).toEqual([429, '3600']);
    await passTime(redis, HOUR_MS);
    expect(statuses(await fail(email, 2, ip))).toEqual([401, 429]);
    expect(await redis.zcard(`hf:t:w:c:${ip}`)).toBe(6);
    await passTime(redis, HOUR_MS + 1_000);
    expect(statuses(await fail(email, 1, ip))).toEqual([401]);
    expect(await redis.zcard(`hf:t:w:c:${ip}`)).toBe(1);
  });

  test('goes forward, blocks end early, until the counters are read back from the records', async () => {
    const [email, ip] = [await account(), newClient()];
    expect(statuses(await fail(email, 6, ip))).toEqual([401, 401, 401, 401, 401, 429]);
    await passTime(redis, 2 * HOUR_MS);
    expect(statuses(await fail(email, 1, ip))).toEqual([401]);
    await redis.del('hf:t:mark');
    expect(statuses(await fail(email, 1, ip))).toEqual([429]);
    expect(await redis.zcard(`hf:t:w:c:${ip}`)).toBe(6);
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

describe('the records', () => {
  test('fold a flood of refused attempts into one block and its count', async () => {
    await worker.sealing.seal();
    await worker.blocks.fold();
    const target = { account: 'flooded', ip: newClient(), deviceId: null };
    const before = await counts();
    const email = newEmail();
    const ip = newClient();
    await fail(email, 5, ip);
    const [block] = await redis.keys(`hf:t:b:ac:*:${ip}`);
    target.ip = ip;
    target.account = block?.split(':')[4] ?? '';
    const total = Number(process.env['FLOOD'] ?? 2_000);
    const startedAt = performance.now();
    const cpu = process.cpuUsage();
    for (let done = 0; done < total; done += 500) {
      const batch = await Promise.all(Array.from({ length: 500 }, () => web.context.throttle.takeLogin(target)));
      if (done === 0) expect(batch.some(({ ok }) => ok)).toBe(false);
    }
    const used = process.cpuUsage(cpu);
    const ms = performance.now() - startedAt;
    process.stderr.write(
      `${total} refused: ${Math.round(ms)} ms, ${((used.user + used.system) / 1_000 / total).toFixed(4)} ms of CPU each\n`,
    );
    await worker.sealing.seal();
    await worker.blocks.fold();
    await worker.blocks.fold();
    const after = await counts();
    expect(after.attempts - before.attempts).toBe(5);
    expect(after.events - before.events).toBe(6);
    expect(after.refusals - before.refusals).toBeLessThanOrEqual(2);
    const [row] = await sql<{ refused: string; failures: number; scope: string }>(
      'SELECT refused, failures, scope FROM throttle_block WHERE host(ip) = $1',
      [ip],
    );
    expect(row).toEqual({ refused: String(total), failures: 5, scope: 'account_client' });
  });

  async function counts() {
    const [row] = await sql<{ attempts: number; events: number; refusals: number }>(
      `SELECT (SELECT count(*)::int FROM login_attempt) AS attempts, (SELECT count(*)::int FROM audit_event) AS events,
              (SELECT count(*)::int FROM throttle_refusal) AS refusals`,
    );
    if (!row) throw new Error('no counts');
    return row;
  }

  test('tell when a block ran out, and how many it refused', async () => {
    const ip = newClient();
    await fail(newEmail(), 8, ip);
    await worker.sealing.seal();
    await worker.blocks.fold();
    await sql("UPDATE throttle_block SET until_at = until_at - interval '1 hour' WHERE host(ip) = $1", [ip]);
    await worker.blocks.fold();
    await worker.sealing.seal();
    const [block] = await sql('SELECT refused, end_reason FROM throttle_block WHERE host(ip) = $1', [ip]);
    expect(block).toEqual({ refused: '3', end_reason: 'expired' });
    const ended = await sql("SELECT detail FROM audit_event WHERE type = 'throttle_block_ended' AND host(ip) = $1", [
      ip,
    ]);
    expect(ended).toMatchObject([{ detail: { refused: 3, scope: 'account_client' } }]);
  });

  test('name sprayers and stuffers once', async () => {
    const ip = newClient();
    for (let count = 0; count < 15; count += 1) await guess({ email: newEmail(), ip });
    await sql(`INSERT INTO login_attempt (id, occurred_at, identifier_hash, ip, outcome)
               SELECT gen_random_uuid(), now(), decode(md5(n::text), 'hex'), ('198.19.0.' || n)::inet, 'failure'
                 FROM generate_series(1, 60) AS n`);
    await worker.sealing.seal();
    await worker.attackDetection.watch();
    await worker.attackDetection.watch();
    await worker.sealing.seal();
    await worker.attackDetection.watch();
    await worker.sealing.seal();
    const spraying = await sql(
      "SELECT detail FROM audit_event WHERE type = 'authn_password_spraying' AND host(ip) = $1",
      [ip],
    );
    expect(spraying).toEqual([{ detail: { accounts: 15 } }]);
    expect(await sql("SELECT 1 FROM audit_event WHERE type = 'authn_credential_stuffing'")).toHaveLength(1);
  });
});

describe('an operator', () => {
  test('sees attempts and blocks, filters them, and lifts a block with a reason, for good', async () => {
    const [owner, boss] = [newEmail(), newEmail()];
    await new Browser(web.url).register(owner);
    const operator = new Browser(web.url);
    await operator.register(boss);
    await sql("UPDATE user_account SET role = 'operator' WHERE email = $1", [boss]);
    await operator.logOut();
    await operator.logIn(boss);
    const ip = newClient();
    await fail(owner, 6, ip);
    await worker.sealing.seal();
    await worker.blocks.fold();

    const attempts = await operator.get(`/operator/attempts?address=${ip}&outcome=failure&person=${owner}`);
    expect(attempts.status).toBe(200);
    expect(attempts.text.match(/<tr role="row" tabindex/g)).toHaveLength(5);
    expect(attempts.text).toContain('wrong password');
    expect(attempts.text).toContain('<rect class="failures"');
    expect((await operator.get('/operator/attempts?address=nonsense')).status).toBe(422);

    const [block] = await sql<{ id: string }>('SELECT id FROM throttle_block WHERE host(ip) = $1', [ip]);
    const lift = `/operator/blocks/${block?.id}/lift`;
    expect((await operator.get('/operator/blocks')).text).toContain(lift);
    expect((await operator.submit(lift, { reason: ' ' }, '/operator/blocks')).status).toBe(422);
    expect((await operator.submit(lift, { reason: 'they called us' }, '/operator/blocks')).status).toBe(303);
    expect((await operator.submit(lift, { reason: 'again' }, '/operator/blocks')).status).toBe(404);
    await redis.flushdb();
    expect(statuses(await fail(owner, 4, ip))).toEqual([401, 401, 401, 401]);
    expect((await guess({ email: owner, ip, password: PASSWORD })).status).toBe(303);
    const page = await operator.get('/operator/blocks');
    expect(page.text).toContain(`lifted by ${boss}: they called us`);
    await worker.sealing.seal();
    expect(await sql("SELECT detail FROM audit_event WHERE type = 'throttle_block_lifted'")).toMatchObject([
      { detail: { reason: 'they called us', scope: 'account_client' } },
    ]);
  });

  test('alone may', async () => {
    const member = new Browser(web.url);
    await member.register(newEmail());
    expect((await member.get('/operator/attempts')).status).toBe(403);
    expect((await member.get('/operator/blocks')).status).toBe(403);
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
