// A real PgBouncer in front of PostgreSQL: session mode and transaction mode serve, and what can't be is said.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type PgBouncer, startPgBouncer } from '../../harness/pgbouncer.ts';
import { query } from '../../harness/query.ts';
import { openDatabase } from '../../src/core/platform/database.ts';
import { grantLogin, readLoginRole } from '../../src/core/platform/migrations/login-roles.ts';
import { migrate } from '../../src/core/platform/migrations/migrate.ts';
import { Browser, newEmail, openWorker, PASSWORD, startWeb } from '../support/app.ts';
import { openTestStores } from '../support/stores.ts';

const stores = await openTestStores();
const { ownerUrl, webUrl, workerUrl, superuserUrl } = stores.database;

beforeAll(async () => {
  await expect(unsettled()).rejects.toThrow(
    /needs settings of its own \(.*search_path.*statement_timeout.*\): run migrate/s,
  );
  await grantLogin(ownerUrl, readLoginRole(webUrl, 'holdfast_web', 'WEB_DATABASE_URL'));
  await grantLogin(ownerUrl, readLoginRole(workerUrl, 'holdfast_worker', 'WORKER_DATABASE_URL'));
});
afterAll(() => stores.close());

/** A query through a pooler as a role that `migrate` did not give its settings to. */
async function unsettled(): Promise<unknown> {
  const pooler = await startPgBouncer({ urls: [webUrl] });
  const database = openDatabase({ url: pooler.through(webUrl), poolSize: 2 });
  try {
    return await database.pool.query('SELECT 1');
  } finally {
    await database.close();
    await pooler.close();
  }
}

describe.each([
  ['session mode', {}],
  ['transaction mode', { pool_mode: 'transaction', default_pool_size: 4 }],
])('PgBouncer in %s', (mode, settings) => {
  let pooler: PgBouncer;

  beforeAll(async () => {
    pooler = await startPgBouncer({ urls: [ownerUrl, webUrl, workerUrl, superuserUrl], settings });
  });
  afterAll(() => pooler.close());

  test('serves people at once, seals, and nobody is answered with an error', async () => {
    const database = { ...stores.database, webUrl: pooler.through(webUrl), workerUrl: pooler.overSocket(workerUrl) };
    const [web, other, worker] = await Promise.all([
      startWeb({ ...stores, database }),
      startWeb({ ...stores, database }),
      openWorker({ ...stores, database }),
    ]);
    try {
      const people = Array.from({ length: 6 }, (_, index) => ({
        browser: new Browser(index % 2 === 0 ? web.url : other.url),
        email: newEmail(),
      }));
      const statuses = await Promise.all(
        people.map(async ({ browser, email }) => {
          const registered = await browser.register(email);
          await browser.logOut();
          const loggedIn = await browser.logIn(email, PASSWORD);
          const pages = ['/account/sessions', '/account/security', '/profile'].map((page) => browser.get(page));
          const answers = await Promise.all(pages);
          await worker.sealing.seal();
          return [registered, loggedIn, ...answers].map(({ status }) => status).join();
        }),
      );
      expect(new Set(statuses)).toEqual(new Set(['303,303,200,200,200']));
      await worker.sealing.seal();
      expect(await query(superuserUrl, 'SELECT count(*)::int AS left FROM outbox')).toEqual([{ left: 0 }]);
    } finally {
      await Promise.all([web.close(), other.close(), worker.close()]);
    }
  });

  test('every transaction has the settings, whichever connection it runs on', async () => {
    const database = openDatabase({ url: pooler.through(webUrl), poolSize: 6 });
    try {
      const shown = await Promise.all(
        Array.from({ length: 24 }, async () => {
          const { rows } = await database.pool.query(
            `SELECT current_setting('TimeZone') AS zone, current_setting('search_path') AS path,
                    current_setting('IntervalStyle') AS style, current_setting('statement_timeout') AS timeout, pg_sleep(0.01)`,
          );
          return rows[0] as Record<string, string>;
        }),
      );
      for (const row of shown) {
        expect(row).toMatchObject({ zone: 'UTC', path: 'public', style: 'postgres', timeout: '10s' });
      }
    } finally {
      await database.close();
    }
  });

  test(`migrate ${mode === 'session mode' ? 'works' : 'says what it needs'}`, async () => {
    const migrating = migrate(pooler.through(ownerUrl));
    if (mode === 'session mode') expect(await migrating).toEqual([]);
    else await expect(migrating).rejects.toThrow('DATABASE_URL leads to a pooler in transaction mode: migrate needs');
    expect(await query(superuserUrl, "SELECT FROM pg_locks WHERE locktype = 'advisory'")).toEqual([]);
  });
});
