// A whole Holdfast under load, the supervisor, its web processes and the worker from dist/, while parts of it are replaced,
// killed and emptied: the short form of `npm run bench restart`. DESIGN: "rolling restart", "killed", "the worker …", "FLUSHALL".
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { type Installation, install } from '../../harness/installation.ts';
import { query } from '../../harness/query.ts';
import { registerReaders } from '../../harness/restart/crowd.ts';
import { checkEvents, checkSessions, type Ledger, type Obtained, openLedger } from '../../harness/restart/ledger.ts';
import { runScenario } from '../../harness/restart/run.ts';
import {
  flush,
  inBatch,
  killWebProcess,
  killWorkerInBatch,
  reloadWithoutPostgres,
  type Scenario,
} from '../../harness/restart/scenarios.ts';
import { until } from '../../harness/until.ts';

const CROWD = { keepAlive: 8, fresh: 2, people: 2, thinkTimeMs: 60 };
const NOTHING_LOST = { live: expect.any(Number), lost: 0, revived: 0 };

let installation: Installation;
let ledger: Ledger;
let readers: Obtained[];

beforeAll(async () => {
  // Longer than the readers think, and short: a drain waits this long for connections on which nobody asks any more.
  installation = await install({
    webProcesses: 2,
    env: { SHUTDOWN_TIMEOUT_MS: '4000', PASSWORD_HASH_CONCURRENCY: '2' },
  });
  ledger = openLedger();
  readers = await registerReaders(installation.port, ledger, CROWD.keepAlive + CROWD.fresh);
});

afterAll(() => installation?.close());

const count = async (table: 'outbox' | 'audit_event') => {
  const [row] = await query<{ count: number }>(
    installation.servers.database.superuserUrl,
    `SELECT count(*)::int FROM ${table}`,
  );
  return row?.count ?? -1;
};
const sealedAll = () => until(async () => (await count('outbox')) === 0);
const events = () => checkEvents(installation.servers.database.superuserUrl, ledger.events());

describe('under load', () => {
  const run = (name: string, cause: Scenario['cause']) =>
    runScenario({ name, cause }, { installation, ledger, crowd: CROWD, readers, aroundMs: 300 });

  test.each<[string, Scenario['cause'], number]>([
    ['two rolling reloads', (one) => twice(one.reload), 0],
    [
      '`kill -9` of a web process',
      async (one) => [await killWebProcess(one)],
      CROWD.keepAlive + CROWD.fresh + CROWD.people,
    ],
    ['`kill -9` of the worker in the middle of a batch', (one) => killWorkerInBatch(one).then(() => []), 0],
    ['`FLUSHALL`', flush, 0],
  ])('%s: no request fails, no session and no event is lost', async (name, cause, atMostInHand) => {
    const row = await run(name, cause);
    expect(row.failures).toEqual([]);
    expect(row.inKilledProcess).toBeLessThanOrEqual(atMostInHand);
    expect(row.sessions).toEqual({ live: row.sessionsWanted, lost: 0, revived: 0 });
    expect(row.events.expected).toBeGreaterThan(0);
    expect(row.events).toEqual({ expected: row.events.expected, found: row.events.expected, twice: 0 });
  });
});

test('a rolling reload while PostgreSQL is away waits for it, and nobody who is logged in is answered by a process that is not ready', async () => {
  const scenario = { name: 'a rolling reload while PostgreSQL is away', mayRefuse: true, cause: reloadWithoutPostgres };
  const row = await runScenario(scenario, { installation, ledger, crowd: CROWD, readers, aroundMs: 300 });
  expect(row.failures).toEqual([]);
  expect(row.sessions).toEqual({ live: row.sessionsWanted, lost: 0, revived: 0 });
});

describe('the worker', () => {
  beforeEach(sealedAll);

  test('told to stop finishes the batch in hand; what comes while there is none waits, and is sealed when it is back', async () => {
    const worker = installation.worker();
    const before = await count('audit_event');
    const stopIt = async () => {
      worker.process.kill('SIGTERM');
      worker.process.kill('SIGTERM'); // as a terminal and npm do
      await delay(300);
      expect(worker.process.exitCode).toBeNull();
    };
    await inBatch(installation, stopIt, () => registerReaders(installation.port, ledger, 1));
    expect(await worker.exited).toMatchObject({ code: 0 });
    expect(await count('audit_event')).toBeGreaterThanOrEqual(before + 2);

    await registerReaders(installation.port, ledger, 1);
    expect(await count('outbox')).toBeGreaterThanOrEqual(2);
    await installation.startWorker();
    await sealedAll();
    const { expected, found, twice } = await events();
    expect({ found, twice }).toEqual({ found: expected, twice: 0 });
  });
});

test('stopped as a whole and started again, everybody is still logged in', async () => {
  expect(await installation.stop()).toEqual([0, 0]);
  await installation.start();
  expect(await checkSessions(installation.port, ledger)).toEqual(NOTHING_LOST);
  await sealedAll();
  const { expected, found, twice } = await events();
  expect({ found, twice }).toEqual({ found: expected, twice: 0 });
  expect(await installation.verify()).toContain('is intact');
});

async function twice(what: () => Promise<void>): Promise<readonly never[]> {
  await what();
  await what();
  return [];
}
