// Fewer connections than web processes and worker want: whoever wants one waits for those that there are, and the pools grow
// again when there is room.
import { afterEach, describe, expect, test } from '@jest/globals';
import { until } from '../../harness/until.ts';
import { tellConnectionRoom } from '../../src/core/platform/connection-room.ts';
import type { Log } from '../../src/core/platform/log.ts';
import { PASSWORD } from '../support/app.ts';
import { type Person, world } from '../support/world.ts';

const POOL = { DATABASE_POOL: '10' };
const holdfast = await world({ webs: [POOL, POOL], worker: POOL });
const { stores, web, other, worker, sql } = holdfast;
const name = new URL(stores.database.superuserUrl).pathname.slice(1);

const limitTo = (connections: number) => sql(`ALTER DATABASE ${name} CONNECTION LIMIT ${connections}`);
const endConnections = () =>
  sql(
    `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
      WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'`,
  );
const recovered = () =>
  until(() => [web.context, other.context, worker].every(({ sessionCache }) => sessionCache.health().postgres));

afterEach(() => limitTo(-1));

/** Eight requests at once: one logs in, another reads. */
async function askEverything([member, stranger]: readonly Person[]): Promise<(number | undefined)[]> {
  const pages = ['/account/sessions', '/account/security'].flatMap((page) => [page, page, page]);
  const answers = await Promise.all([
    stranger?.browser.logIn(stranger.email, PASSWORD),
    ...[...pages, '/account/sessions'].map((page) => member?.browser.get(page)),
  ]);
  return answers.map((answer) => answer?.status);
}

describe('a limit below what the pools want', () => {
  test('lets everybody wait for a turn', async () => {
    const people: Person[][] = [];
    for (const url of Array.from({ length: 8 }, (_, index) => (index % 2 === 0 ? web : other).url)) {
      const both = await Promise.all([holdfast.newMember(url), holdfast.newMember(url)]);
      await both[1].browser.logOut();
      people.push(both);
    }
    await limitTo(14);
    await endConnections();
    await recovered();
    const statuses = await Promise.all(people.map(askEverything));
    expect(new Set(statuses.map(String))).toEqual(new Set(['303,200,200,200,200,200,200,200']));
    expect(web.context.database.pool.totalCount).toBeLessThan(10);
  });

  test('is forgotten once there is room', async () => {
    await limitTo(-1);
    const many = () =>
      Promise.all(Array.from({ length: 20 }, () => web.context.database.pool.query('SELECT pg_sleep(0.05)')));
    await until(async () => {
      await many();
      return web.context.database.pool.totalCount === 10;
    });
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
