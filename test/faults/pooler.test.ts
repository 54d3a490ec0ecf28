// PgBouncer in transaction mode while PostgreSQL goes and comes back: the pooler keeps every client waiting, which is silence.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type OwnServers, startOwnServers } from '../../harness/own-servers.ts';
import { type PgBouncer, startPgBouncer } from '../../harness/pgbouncer.ts';
import { until } from '../../harness/until.ts';
import { openDatabase } from '../../src/core/platform/database.ts';
import { Browser, newEmail, startWeb, type TestProcess } from '../support/app.ts';

let servers: OwnServers;
let pooler: PgBouncer;
let web: TestProcess;

beforeAll(async () => {
  servers = await startOwnServers();
  const { database } = servers;
  const settings = {
    pool_mode: 'transaction',
    server_login_retry: 1,
    query_wait_timeout: 3,
    server_connect_timeout: 2,
  };
  pooler = await startPgBouncer({ urls: [database.webUrl], settings });
  web = await startWeb({ ...servers, database: { ...database, webUrl: pooler.through(database.webUrl) } });
});
afterAll(async () => {
  await web?.close();
  await pooler?.close();
  await servers?.close();
});

test('pages go on, log-ins are refused at once, and are back with it', async () => {
  const browser = new Browser(web.url);
  const email = newEmail();
  expect((await browser.register(email)).status).toBe(303);
  await servers.postgres().kill();
  expect((await new Browser(web.url).logIn(email)).status).toBe(503);
  await until(() => web.context.database.awayBecause() !== null);
  expect((await new Browser(web.url).logIn(email)).status).toBe(503);
  expect(await browser.profile()).toBe(200);
  await servers.startPostgresAgain();
  const began = performance.now();
  await until(async () => (await new Browser(web.url).logIn(email)).status === 303);
  expect(performance.now() - began).toBeLessThan(8_000);
  expect(await browser.profile()).toBe(200);
});

test('a pooler that takes fewer clients than are wanted is not away', async () => {
  const { webUrl } = servers.database;
  const full = await startPgBouncer({ urls: [webUrl], settings: { pool_mode: 'transaction', max_client_conn: 4 } });
  const database = openDatabase({ url: full.through(webUrl), poolSize: 10, connectTimeoutMs: 30_000 });
  try {
    const asked = Array.from({ length: 40 }, () => database.pool.query('SELECT pg_sleep(0.05)'));
    expect(await Promise.all(asked)).toHaveLength(40);
    expect(database.awayBecause()).toBeNull();
  } finally {
    await database.close();
    await full.close();
  }
});
