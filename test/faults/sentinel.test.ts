// Sentinels make another Redis the master, under load: nobody is logged out, nobody comes back, no log-in fails. The short
// form of `npm run bench failover`.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type FailoverRow, runFailover } from '../../harness/failover/run.ts';
import { sentinelScenarios } from '../../harness/failover/scenarios.ts';
import { type Installation, install } from '../../harness/installation.ts';
import { query } from '../../harness/query.ts';
import { registerReaders } from '../../harness/restart/crowd.ts';
import { openLedger } from '../../harness/restart/ledger.ts';
import { type SentinelSet, startSentinelSet } from '../../harness/sentinel-set.ts';
import { until } from '../../harness/until.ts';
import { createLog } from '../../src/core/platform/log.ts';
import { openRedis } from '../../src/core/platform/redis.ts';
import { createReplication } from '../../src/core/platform/replication.ts';
import { commandLine } from '../support/command-line.ts';
import { startWorkerProcess } from '../support/worker-process.ts';

const CROWD = { keepAlive: 8, fresh: 2, people: 2, thinkTimeMs: 60 };

const copies = async () => {
  const admin = await set.admin();
  const values = await admin.mget(await admin.keys('hf:s:*')).finally(() => admin.disconnect());
  return values.map((value) => value?.[0]);
};

let set: SentinelSet;
let installation: Installation;

beforeAll(async () => {
  set = await startSentinelSet();
  const env = { REDIS_URL: set.url, REDIS_SENTINEL_PASSWORD: set.sentinelPassword, PASSWORD_HASH_CONCURRENCY: '2' };
  installation = await install({ webProcesses: 2, env });
});

afterAll(async () => {
  await installation?.close();
  await set?.close();
});

describe('a failover under load', () => {
  test.each([
    ['`kill -9` of the master', 0],
    ['`SIGSTOP` of the master', 1],
  ])('%s: no request fails, nothing is lost, nobody comes back', async (_, index) => {
    const scenario = sentinelScenarios(set)[index];
    if (!scenario) throw new Error('there is no such scenario');
    const ledger = openLedger();
    const readers = await registerReaders(installation.port, ledger, CROWD.keepAlive + CROWD.fresh);
    const row: FailoverRow = await runFailover(scenario, {
      installation,
      ledger,
      crowd: CROWD,
      readers,
      aroundMs: 2_500,
    });
    expect(row.failures).toEqual([]);
    expect(row.refused).toBe(0);
    expect(row.sessions).toEqual({ live: row.sessionsWanted, lost: 0, revived: 0 });
    expect(row.events.expected).toBeGreaterThan(0);
    expect(row.events).toEqual({ expected: row.events.expected, found: row.events.expected, twice: 0 });
    expect(row.lagSeconds).toBeLessThan(5);
    expect(row.slowestMs).toBeLessThan(3_000); // a second on a machine that does nothing else
    const admin = await set.admin();
    await until(async () => String(await admin.client('LIST')).includes('name=holdfast-sessions'));
    admin.disconnect();
  });
});

test('a command finds the master too: the session that it ends is a tombstone at once', async () => {
  const [reader] = await registerReaders(installation.port, openLedger(), 1);
  const { database } = installation.servers;
  const [session] = await query<{ id: string }>(
    database.superuserUrl,
    'SELECT id FROM session WHERE ended_at IS NULL ORDER BY created_at DESC LIMIT 1',
  );
  const before = (await copies()).filter((kind) => kind === 'E').length;
  const cli = commandLine({ ...installation.servers, redisUrl: set.url });
  const env = { REDIS_SENTINEL_PASSWORD: set.sentinelPassword };
  const ended = await cli(['session', 'end', session?.id ?? '', '--reason', 'a test'], { env });
  expect(ended).toMatchObject({ code: 0, err: '' });
  expect((await copies()).filter((kind) => kind === 'E').length).toBe(before + 1);
  const answer = await fetch(`http://127.0.0.1:${installation.port}/profile`, {
    headers: { cookie: reader?.cookie ?? '' },
    redirect: 'manual',
  });
  expect(answer.status).toBe(303);
});

test('whether a replica has everything is asked in vain, and not for ever, while no Sentinel answers', async () => {
  await set.untilWhole();
  const log = createLog({ level: 'silent', name: 'test' });
  const redis = openRedis({ address: { url: set.url, sentinelPassword: set.sentinelPassword }, role: 'sessions', log });
  const signal = (name: NodeJS.Signals) => {
    for (const pid of set.sentinelPids()) process.kill(pid, name);
  };
  try {
    await until(() => redis.status === 'ready');
    const replication = createReplication({ redis, key: 'replicated' });
    expect(await replication.isCurrent()).toBe(true);
    signal('SIGSTOP');
    await expect(replication.isCurrent()).rejects.toThrow();
  } finally {
    signal('SIGCONT');
    redis.disconnect();
  }
  await set.untilWhole();
});

describe('a worker that starts', () => {
  const start = (redisUrl: string, password: string) =>
    startWorkerProcess({ ...installation.servers, redisUrl, env: { REDIS_SENTINEL_PASSWORD: password } });

  test.each<[string, (url: string) => string, boolean, RegExp]>([
    [
      'another name of the master',
      (url) => url.replace('/mymaster/', '/other/'),
      true,
      /No such master with that name/,
    ],
    ['another password of the Sentinels', (url) => url, false, /127\.0\.0\.1:\d+: WRONGPASS/],
    ['another password of Redis', (url) => url.replace(/:\w+@/, ':bad@'), true, /WRONGPASS.*Redis is away/],
  ])('with %s says so, and no secret', async (_, change, right, said) => {
    const worker = start(change(set.url), right ? set.sentinelPassword : 'hunter2');
    try {
      await until(() => said.test(worker.log()));
      expect(worker.log()).not.toMatch(/hunter2|:bad@/);
      expect(worker.log()).not.toContain('"msg":"ready"');
    } finally {
      worker.process.kill('SIGKILL');
      await worker.exited;
    }
  });

  test('while the Sentinels are silent waits for them', async () => {
    const signal = (name: NodeJS.Signals) => {
      for (const pid of set.sentinelPids()) process.kill(pid, name);
    };
    signal('SIGSTOP');
    const worker = start(set.url, set.sentinelPassword);
    try {
      await until(() => worker.log().includes('no Sentinel leads to a master that answers'));
      signal('SIGCONT');
      await until(() => worker.log().includes('"msg":"ready"'));
    } finally {
      signal('SIGCONT');
      worker.process.kill('SIGTERM');
      expect(await worker.exited).toBe(0);
    }
    await set.untilWhole();
  });
});
