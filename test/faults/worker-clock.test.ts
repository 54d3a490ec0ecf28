// No fault of Redis stops the log: what the worker's queues don't bring, its own clock does.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { type HoldingProxy, startHoldingProxy } from '../../harness/holding-proxy.ts';
import { type OwnServers, startOwnServers } from '../../harness/own-servers.ts';
import { query } from '../../harness/query.ts';
import { until } from '../../harness/until.ts';
import { Browser, newEmail, startWeb, type TestProcess } from '../support/app.ts';
import { startOwnRedis, temporaryFolder } from '../support/servers.ts';
import { type RunningWorker, startWorkerProcess } from '../support/worker-process.ts';

const SEALED_WITHIN_S = 5;

let servers: OwnServers;
let proxy: HoldingProxy;
let web: TestProcess;
let running: RunningWorker | undefined;

beforeEach(async () => {
  servers = await startOwnServers();
  proxy = await startHoldingProxy(servers.redis());
  web = await startWeb({ ...servers, redisUrl: proxy.through(servers.redisUrl) });
});

afterEach(async () => {
  running?.process.kill('SIGKILL');
  await running?.exited;
  running = undefined;
  await web?.close();
  await proxy?.close();
  await servers?.close();
});

async function startWorker(redisUrl = proxy.through(servers.redisUrl)): Promise<RunningWorker> {
  const started = startWorkerProcess({ ...servers, redisUrl });
  running = started;
  await until(() => started.log().includes('the worker has started'));
  return started;
}

/** How many seconds the oldest event has waited that is not sealed. */
async function oldest(): Promise<number> {
  const [row] = await query<{ age: number }>(
    servers.database.superuserUrl,
    `SELECT coalesce(extract(epoch FROM clock_timestamp() - min(created_at)), 0)::float AS age FROM outbox`,
  );
  return row?.age ?? 0;
}

/** Somebody registers each second; the longest that an event then waited. */
async function longestWait(seconds: number): Promise<number> {
  let longest = 0;
  for (let second = 0; second < seconds; second += 1) {
    expect((await new Browser(web.url).register(newEmail())).status).toBe(303);
    const began = performance.now();
    await until(async () => {
      longest = Math.max(longest, await oldest());
      return performance.now() - began > 1_000;
    });
  }
  return longest;
}

const sealedAll = () => until(async () => (await oldest()) === 0);

describe('Redis is gone', () => {
  test.each<[string, () => unknown, () => unknown]>([
    ['and refuses connections', () => servers.redis().kill(), () => servers.startRedisAgain()],
    [
      'and is silent',
      () => process.kill(servers.redis().pid, 'SIGSTOP'),
      () => process.kill(servers.redis().pid, 'SIGCONT'),
    ],
    ['because its host has vanished', () => proxy.hold(), () => proxy.release()],
  ])('%s: no event waits for five seconds, and the queues are used again afterwards', async (_, away, back) => {
    const worker = await startWorker();
    await longestWait(1);
    await sealedAll();
    await away();
    const longest = await longestWait(8);
    expect(longest).toBeGreaterThan(0);
    expect(longest).toBeLessThan(SEALED_WITHIN_S);
    await back();
    await until(() => worker.log().includes('the queues bring jobs again') || !worker.log().includes('bring no jobs'));
    await longestWait(1);
    await sealedAll();
    expect(worker.log()).not.toContain('nothing could be sealed');
    worker.process.kill('SIGTERM');
    expect(await worker.exited).toBe(0);
  });
});

describe('Redis refuses', () => {
  const errors = async (admin: Redis) => Number(/total_error_replies:(\d+)/.exec(await admin.info('stats'))?.[1]);

  test.each<[string, string[], string[]]>([
    ['because it is full', ['CONFIG', 'SET', 'maxmemory', '1'], ['CONFIG', 'SET', 'maxmemory', '0']],
    ['because it has become a replica', ['REPLICAOF', '127.0.0.1', '1'], ['REPLICAOF', 'NO', 'ONE']],
    [
      'the right to the queues',
      ['ACL', 'SETUSER', 'default', 'resetkeys', '~hf:*'],
      ['ACL', 'SETUSER', 'default', '~*'],
    ],
  ])(
    '%s: it is asked now and then, the log goes on, and the queues come back by themselves',
    async (_, ...commands) => {
      const worker = await startWorker();
      const admin = new Redis(servers.redisUrl);
      const say = ([name = '', ...args]: string[]) => admin.call(name, ...args);
      try {
        await longestWait(1);
        await sealedAll();
        await say(commands[0]);
        await until(() => worker.log().includes('recurring jobs run by the worker’s own clock'));
        const [began, before] = [performance.now(), await errors(admin)];
        expect(await longestWait(4)).toBeLessThan(SEALED_WITHIN_S);
        const perSecond = ((await errors(admin)) - before) / ((performance.now() - began) / 1_000);
        expect(perSecond).toBeLessThan(200); // thousands, if each refusal were followed by the next question
        const words = /recurring jobs run by the worker’s own clock/g;
        expect(worker.log().match(words)?.length).toBeLessThan(4); // a line for each code, not for each question
        await say(commands[1]);
        const done = async () => Number(await admin.get('{hf:queue}:audit:id'));
        const jobs = await done();
        await until(async () => (await done()) > jobs); // the schedule brings one every ten seconds
        await sealedAll();
      } finally {
        admin.disconnect();
      }
    },
  );

  test('as a node of a cluster: the worker is not ready and says why, and the log goes on', async () => {
    const folder = temporaryFolder();
    const cluster = await startOwnRedis(folder.folder, undefined, { 'cluster-enabled': 'yes' });
    try {
      const worker = await startWorker(cluster.url);
      await until(() => worker.log().includes('REDIS_URL: it is a node of a cluster: give a Redis that is none'));
      await longestWait(1);
      await sealedAll(); // as in the others: what has waited for the worker's start is not meant
      expect(await longestWait(4)).toBeLessThan(SEALED_WITHIN_S);
      expect(worker.log()).not.toContain('"msg":"ready"');
    } finally {
      await cluster.kill();
      folder.remove();
    }
  });
});

test('PostgreSQL refuses the log: the worker says so, once', async () => {
  const worker = await startWorker();
  await longestWait(1);
  await sealedAll();
  await query(servers.database.superuserUrl, 'ALTER TABLE audit_event RENAME TO audit_event_away');
  expect((await new Browser(web.url).register(newEmail())).status).toBe(303);
  await until(() => worker.log().includes('nothing could be sealed for 10 s'));
  await query(servers.database.superuserUrl, 'ALTER TABLE audit_event_away RENAME TO audit_event');
  await sealedAll();
  await until(() => worker.log().includes('events are sealed again'));
  expect(worker.log().split('nothing could be sealed').length).toBe(2);
});
