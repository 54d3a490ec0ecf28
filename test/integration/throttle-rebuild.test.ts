// The throttle when Redis is away, loses everything or tells another time: nothing is forgotten that was recorded.
import { randomBytes, randomUUID } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import pg from 'pg';
import { passTime } from '../../harness/attacker.ts';
import { until } from '../../harness/until.ts';
import { createLog } from '../../src/core/platform/log.ts';
import { createThrottle } from '../../src/core/throttle/throttle.ts';
import { attackedWorld, newClient, reached, statuses } from '../support/attacked-world.ts';

const HOUR_MS = 3_600_000;

const { stores, web, worker, redis, sql, guess, guessOnOther, account, fail } = await attackedWorld();

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
    // On a slow machine the first ones are decided before everything is read.
    await until(async () => !(await web.context.throttle.takeSecondFactor(flooded, null)).ok);
    expect(await redis.zcard(`hf:t:w:f:${flooded}`)).toBeGreaterThanOrEqual(14_000);
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
