// Fewer connections than web processes and worker want: whoever wants one waits for those that there are, and the pools grow
// again when there is room.
import { afterEach, describe, expect, test } from '@jest/globals';
import { until } from '../../harness/until.ts';
import { openDatabase } from '../../src/core/platform/database.ts';
import type { Log } from '../../src/core/platform/log.ts';
import { tellConnectionRoom } from '../../src/core/platform/postgres/connection-room.ts';
import { world } from '../support/world.ts';

const holdfast = await world();
const { stores, web, sql } = holdfast;
const name = new URL(stores.database.superuserUrl).pathname.slice(1);

const limitTo = (connections: number) => sql(`ALTER DATABASE ${name} CONNECTION LIMIT ${connections}`);
const endConnections = () =>
  sql(
    `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
      WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'`,
  );

afterEach(() => limitTo(-1));

describe('a limit below what the pools want', () => {
  /** What a process opens, but more patient: the machine may be busy. */
  const open = (url: string) => openDatabase({ url, poolSize: 10, connectTimeoutMs: 50_000 });
  const { webUrl, workerUrl } = stores.database;

  test('lets everybody wait for a turn, and is forgotten once there is room', async () => {
    const databases = [open(webUrl), open(workerUrl)];
    const everybody = () =>
      Promise.all(
        databases.flatMap(({ pool, prisma }) =>
          Array.from({ length: 30 }, (_, index) =>
            index % 2 === 0 ? pool.query('SELECT pg_sleep(0.01)') : prisma.$queryRaw`SELECT pg_sleep(0.01)::text`,
          ),
        ),
      );
    try {
      await limitTo(14);
      await endConnections();
      for (let round = 0; round < 3; round += 1) expect(await everybody()).toHaveLength(60);
      await limitTo(-1);
      await until(async () => {
        await everybody();
        return databases.every(({ pool }) => pool.totalCount === 10);
      });
    } finally {
      await Promise.all(databases.map((database) => database.close()));
    }
  });

  test('a process that gets none answers 503, and comes back', async () => {
    const { browser, email } = await holdfast.newMember();
    await browser.logOut();
    await limitTo(0);
    await endConnections();
    await until(async () => (await browser.logIn(email)).status === 503);
    await limitTo(14);
    await until(async () => (await browser.logIn(email)).status === 303);
  });
});

describe('at the start', () => {
  async function told(wanted: { webProcesses: number; poolSize: number }): Promise<[string, unknown]> {
    const lines: [string, unknown][] = [];
    const log = {
      info: (fields: unknown) => lines.push(['info', fields]),
      warn: (fields: unknown) => lines.push(['warn', fields]),
    };
    await tellConnectionRoom({ database: web.context.database, log: log as unknown as Log }, wanted);
    return lines[0] ?? ['nothing', null];
  }

  test.each([
    [2, 10, 'info', 30, 197, 'server'],
    [20, 10, 'warn', 210, 197, 'server'],
  ])('%i processes with %i connections each: %s', async (webProcesses, poolSize, level, wanted, available, limit) => {
    expect(await told({ webProcesses, poolSize })).toEqual([level, { wanted, available, limit }]);
  });

  test("the limit of the database, and of the role, which is not the worker's", async () => {
    await limitTo(14);
    expect(await told({ webProcesses: 2, poolSize: 10 })).toEqual([
      'warn',
      { wanted: 30, available: 14, limit: 'database' },
    ]);
    const role = new URL(stores.database.webUrl).username;
    await sql(`ALTER ROLE ${role} CONNECTION LIMIT 13`);
    try {
      expect(await told({ webProcesses: 1, poolSize: 10 })).toEqual([
        'info',
        { wanted: 10, available: 13, limit: 'role' },
      ]);
    } finally {
      await sql(`ALTER ROLE ${role} CONNECTION LIMIT -1`);
    }
  });
});
