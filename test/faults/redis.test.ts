// What a visitor gets when Redis fails: nobody is logged out, nobody who ended comes back. DESIGN: the rows "Redis …".
import { copyFile, rm } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { type OwnServers, startOwnServers } from '../../harness/own-servers.ts';
import { query } from '../../harness/query.ts';
import { until } from '../../harness/until.ts';
import type { Context } from '../../src/core/context.ts';
import { isCopy } from '../../src/core/sessions/cache-entry.ts';
import { Browser, newEmail, openWorker, startWeb, type TestProcess, waitForStores } from '../support/app.ts';
import { setSeen } from '../support/copies.ts';
import { OUT_WITHIN_MS } from '../support/shared-out.ts';

let servers: OwnServers;
let web: TestProcess;
let other: TestProcess;
let worker: Context;

beforeEach(async () => {
  servers = await startOwnServers();
  [web, other, worker] = await Promise.all([startWeb(servers), startWeb(servers), openWorker(servers)]);
});

afterEach(async () => {
  await Promise.all([web?.close(), other?.close(), worker?.close()]);
  await servers?.close();
});

async function people(count: number, on: TestProcess = web): Promise<{ browser: Browser; email: string }[]> {
  return Promise.all(
    Array.from({ length: count }, async () => {
      const browser = new Browser(on.url);
      const email = newEmail();
      expect((await browser.register(email)).status).toBe(303);
      return { browser, email };
    }),
  );
}

const statuses = (them: readonly { browser: Browser }[]) => Promise.all(them.map(({ browser }) => browser.profile()));
const allIn = (count: number) => Array.from({ length: count }, () => 200);

describe('Redis is away', () => {
  test('pages, logging in, logging out and revoking go on; what ended meanwhile stays ended when it is back', async () => {
    const them = await people(4);
    const [first, second] = them;
    if (!first || !second) throw new Error('nobody registered');
    const onOther = new Browser(other.url);
    expect((await onOther.logIn(second.email)).status).toBe(303);

    await servers.redis().kill();
    expect(await statuses(them)).toEqual(allIn(4));
    expect((await first.browser.logOut()).status).toBe(303);
    expect((await second.browser.submit('/account/sessions/revoke-others', {}, '/account/sessions')).status).toBe(303);
    expect(await onOther.profile()).toBe(303);
    const late = new Browser(other.url);
    expect((await late.logIn(first.email)).status).toBe(303);
    expect(await late.profile()).toBe(200);
    expect((await late.get('/readyz')).status).toBe(200);

    await servers.startRedisAgain();
    await Promise.all([waitForStores(web.context), waitForStores(other.context)]);
    expect(await first.browser.profile()).toBe(303);
    expect(await onOther.profile()).toBe(303);
    expect(await statuses([second, { browser: late }])).toEqual(allIn(2));
  });

  test('and slow: each page costs one decision, not one time-out', async () => {
    const [person] = await people(1);
    if (!person) throw new Error('nobody registered');
    process.kill(servers.redis().pid, 'SIGSTOP');
    try {
      expect(await person.browser.profile()).toBe(200);
      const began = performance.now();
      const { stream } = web.context.redis;
      for (let page = 0; page < 20; page += 1) expect(await person.browser.profile()).toBe(200);
      expect((performance.now() - began) / 20).toBeLessThan(250);
      expect(stream.listenerCount('close')).toBeLessThan(10); // it is given up once
    } finally {
      process.kill(servers.redis().pid, 'SIGCONT');
    }
    await waitForStores(web.context);
    expect(await person.browser.profile()).toBe(200);
  });

  test('and slow: one log-in waits for it, the next do not', async () => {
    const [person] = await people(1);
    if (!person) throw new Error('nobody registered');
    await waitForStores(web.context);
    process.kill(servers.redis().pid, 'SIGSTOP');
    try {
      for (let round = 0; round < 3; round += 1) {
        const browser = new Browser(web.url);
        expect((await browser.logIn(person.email)).status).toBe(303);
        await expect(web.context.redis.ping()).rejects.toThrow(/writeable|closed/); // at once, not after a time-out
        expect(await browser.profile()).toBe(200);
      }
    } finally {
      process.kill(servers.redis().pid, 'SIGCONT');
    }
    await waitForStores(web.context);
    expect(await person.browser.profile()).toBe(200);
  });

  test.each([
    ['is full', ['CONFIG', 'SET', 'maxmemory', '1']],
    ['has become a replica and refuses writes', ['REPLICAOF', '127.0.0.1', '1']],
    ['lets nobody in any more', ['CONFIG', 'SET', 'requirepass', 'changed']],
  ])('because it %s', async (_name, command) => {
    const [stays, leaves] = await people(2);
    if (!stays || !leaves) throw new Error('nobody registered');
    const elsewhere = new Browser(other.url);
    expect((await elsewhere.logIn(leaves.email)).status).toBe(303);
    const admin = new Redis(servers.redisUrl, { maxRetriesPerRequest: 1 });
    const [name = '', ...args] = command;
    await admin.call(name, ...(args as [string, ...string[]]));
    if (name === 'CONFIG' && args.includes('requirepass'))
      await admin.call('CLIENT', 'KILL', 'TYPE', 'normal').catch(() => undefined);
    admin.disconnect();
    expect((await leaves.browser.submit('/account/sessions/revoke-others', {}, '/account/sessions')).status).toBe(303);
    await until(async () => (await elsewhere.profile()) === 303, OUT_WITHIN_MS);
    expect(await stays.browser.profile()).toBe(200);
    expect((await new Browser(other.url).logIn(stays.email)).status).toBe(303);
  });
});

describe('Redis is full', () => {
  test('whoever is there stays logged in past the idle limit that began before', async () => {
    const [person] = await people(1);
    if (!person) throw new Error('nobody registered');
    expect(await person.browser.profile()).toBe(200);
    const admin = new Redis(servers.redisUrl);
    const [key = ''] = await admin.keys('hf:s:*');
    await setSeen(admin, key, Date.now() - 5 * 60_000); // seen five minutes ago
    await query(
      servers.database.superuserUrl,
      `UPDATE session SET last_seen_at = clock_timestamp() - interval '5 minutes', idle_deadline = clock_timestamp() + interval '1 minute'`,
    );
    await admin.config('SET', 'maxmemory', '1');
    const left = async () =>
      (
        await query<{ minutes: number }>(
          servers.database.superuserUrl,
          'SELECT (extract(epoch FROM idle_deadline - clock_timestamp()) / 60)::int AS minutes FROM session',
        )
      )[0]?.minutes ?? 0;
    await until(async () => (await person.browser.profile()) === 200 && (await left()) > 5);
    await admin.del(key); // its time is over there: it could not be extended
    admin.disconnect();
    expect(await person.browser.profile()).toBe(200);
  });
});

describe('Redis is away for the throttle', () => {
  test('which goes on in each process, and counts what it let through once Redis is back', async () => {
    const strict = await startWeb(servers, {
      THROTTLE_ACCOUNT_CLIENT: '4/4/1h',
      THROTTLE_CLIENT: '50/50/1h',
      THROTTLE_ACCOUNT: '50/50/1d',
    });
    try {
      const [person] = await people(1);
      if (!person) throw new Error('nobody registered');
      const guess = async () => (await new Browser(strict.url).logIn(person.email, 'a wrong password')).status;
      expect([await guess(), await guess()]).toEqual([401, 401]);
      await servers.redis().kill();
      expect(await guess()).toBe(401);
      await servers.startRedisAgain();
      await waitForStores(strict.context);
      await until(async () => (await guess()) === 429);
      const failures = await query(
        servers.database.superuserUrl,
        `SELECT FROM outbox WHERE event->>'type' = 'authn_login_fail'`,
      );
      expect(failures.length).toBeLessThanOrEqual(2 + 4); // what Redis had let through, and what one process may alone
      const fresh = await startWeb(servers, { THROTTLE_ACCOUNT_CLIENT: '4/4/1h' });
      try {
        expect((await new Browser(fresh.url).logIn(person.email, 'a wrong password')).status).toBe(429);
      } finally {
        await fresh.close();
      }
    } finally {
      await strict.close();
    }
  });

  test('which refuses in each process alone past the free attempts', async () => {
    const strict = await startWeb(servers, { THROTTLE_ACCOUNT_CLIENT: '3/10/1h' });
    try {
      const [person] = await people(1);
      if (!person) throw new Error('nobody registered');
      await servers.redis().kill();
      const answers: number[] = [];
      for (let guess = 0; guess < 6; guess += 1) {
        answers.push((await new Browser(strict.url).logIn(person.email, 'a wrong password')).status);
      }
      expect(answers).toEqual([401, 401, 401, 429, 429, 429]);
      expect((await new Browser(strict.url).logIn(newEmail(), 'a wrong password')).status).toBe(401);
    } finally {
      await strict.close();
    }
  });
});

describe('Redis loses everything', () => {
  test('and nobody notices', async () => {
    const them = await people(6);
    const admin = new Redis(servers.redisUrl);
    await admin.flushall();
    expect(await statuses(them)).toEqual(allIn(6));
    await until(async () => {
      await statuses(them);
      return (await admin.keys('hf:s:*')).length === 6;
    });
    admin.disconnect();
  });
});

describe('Redis goes back in time', () => {
  test('and what ended since stays ended, sealed or not', async () => {
    const [sealed, unsealed, stays] = await people(3);
    if (!sealed || !unsealed || !stays) throw new Error('nobody registered');
    await worker.sealing.seal();
    const admin = new Redis(servers.redisUrl);
    await admin.save();
    const [, dir] = (await admin.config('GET', 'dir')) as unknown as [string, string] & Record<string, string>;
    admin.disconnect();
    const folder = dir ?? '';
    const before = `${folder}/before.rdb`;
    await copyFile(`${folder}/dump.rdb`, before);

    expect((await sealed.browser.logOut()).status).toBe(303);
    await worker.sealing.seal();
    expect((await unsealed.browser.logOut()).status).toBe(303);

    await servers.redis().kill();
    await rm(`${folder}/appendonlydir`, { recursive: true, force: true });
    await copyFile(before, `${folder}/dump.rdb`);
    await servers.startRedisAgain();
    await Promise.all([waitForStores(web.context), waitForStores(other.context)]);
    const cookieJarFree = await Promise.all([sealed, unsealed].map(({ email }) => reviveAttempts(email)));
    expect(cookieJarFree).toEqual([0, 0]);
    expect(await stays.browser.profile()).toBe(200);
  });

  test('without a new connection too: a copy put back by hand is not believed', async () => {
    const [person] = await people(1);
    if (!person) throw new Error('nobody registered');
    const admin = new Redis(servers.redisUrl);
    const [key = ''] = await admin.keys('hf:s:*');
    const copy = await admin.dump(key);
    const copyBytes = await admin.dumpBuffer(key);
    const mark = (await admin.get('hf:endings')) ?? '0';
    const { cookie } = await cookieOf(person.browser);
    expect(copy).not.toBeNull();
    await person.browser.logOut();
    await worker.sealing.seal();
    await admin.multi().restore(key, 0, copyBytes, 'REPLACE').set('hf:endings', mark).exec();
    await until(async () => (await statusWith(cookie, web)) === 303, OUT_WITHIN_MS);
    await until(async () => Number(await admin.get('hf:endings')) > Number(mark));
    expect((await admin.get(key))?.startsWith('E')).toBe(true);
    expect(await statusWith(cookie, other)).toBe(303);
    admin.disconnect();
  });
});

describe('Redis fails over to one that missed endings', () => {
  test('and an ending sealed before anybody noticed does not carry the mark past them', async () => {
    const [missed, next] = await people(2);
    if (!missed || !next) throw new Error('nobody registered');
    const admin = new Redis(servers.redisUrl);
    const { cookie } = await cookieOf(missed.browser);
    const copies = new Map<string, Buffer>();
    for (const key of await admin.keys('hf:s:*')) copies.set(key, await admin.dumpBuffer(key));
    const mark = (await admin.get('hf:endings')) ?? '0';
    await missed.browser.logOut();
    await worker.sealing.seal();
    await next.browser.logOut();

    const old = admin.multi().set('hf:endings', mark);
    for (const [key, value] of copies) old.restore(key, 0, value, 'REPLACE');
    await old.exec();
    await worker.sealing.seal();
    const live = (await Promise.all([...copies.keys()].map((key) => admin.get(key)))).filter(isCopy);
    expect(live).toEqual([]);
    expect(await statusWith(cookie, web)).toBe(303);
    expect(await statusWith(cookie, other)).toBe(303);
    admin.disconnect();
  });
});

/** How many of an account's ended sessions answer as live in either process. */
async function reviveAttempts(email: string): Promise<number> {
  const rows = await query<{ token_hash: Buffer }>(
    servers.database.superuserUrl,
    `SELECT token_hash FROM session s JOIN user_account u ON u.id = s.user_id WHERE email = $1 AND ended_at IS NOT NULL`,
    [email],
  );
  expect(rows).toHaveLength(1);
  const admin = new Redis(servers.redisUrl);
  const values = await Promise.all(rows.map((row) => admin.get(`hf:s:${row.token_hash.toString('base64url')}`)));
  admin.disconnect();
  return values.filter(isCopy).length;
}

async function cookieOf(browser: Browser): Promise<{ cookie: string }> {
  const jar = browser.agent.jar.getCookies({ domain: '127.0.0.1', path: '/', secure: false, script: false });
  const session = [...jar].find((one) => one.name === 'holdfast_session');
  return { cookie: `${session?.name}=${session?.value}` };
}

async function statusWith(cookie: string, on: TestProcess): Promise<number> {
  const response = await fetch(`${on.url}/profile`, { headers: { cookie }, redirect: 'manual' });
  await response.arrayBuffer();
  return response.status;
}
