// A real primary and a real streaming standby: several hosts in a URL, a promotion, and a standby that is taken for a primary.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { freeze } from '../../harness/freeze.ts';
import { type HoldingProxy, startHoldingProxy } from '../../harness/holding-proxy.ts';
import { type OwnServers, startOwnServers } from '../../harness/own-servers.ts';
import { query } from '../../harness/query.ts';
import { promote, severalHosts } from '../../harness/standby.ts';
import { until } from '../../harness/until.ts';
import type { Context } from '../../src/core/context.ts';
import { openDatabase } from '../../src/core/platform/database.ts';
import type { Log } from '../../src/core/platform/log.ts';
import { migrate } from '../../src/core/platform/migrations/migrate.ts';
import { tellReplication } from '../../src/core/platform/postgres/standbys.ts';
import type { Postgres } from '../../src/launcher/servers/postgres.ts';
import { Browser, newEmail, openWorker, startWeb, type TestProcess } from '../support/app.ts';
import { commandLine } from '../support/command-line.ts';

let servers: OwnServers;
let replication: HoldingProxy;
let standby: Postgres;
const opened: { close(): Promise<unknown> }[] = [];

beforeEach(async () => {
  servers = await startOwnServers();
  replication = await startHoldingProxy(servers.postgres());
  standby = await servers.startStandby(replication);
});

afterEach(async () => {
  await Promise.all(opened.splice(0).map((one) => one.close()));
  await replication?.close();
  await servers?.close();
});

/** URLs that name these servers, in this order. */
function storesAt(...hosts: readonly { port: number }[]) {
  const { database } = servers;
  const [webUrl, workerUrl, ownerUrl] = [database.webUrl, database.workerUrl, database.ownerUrl].map((url) =>
    severalHosts(url, hosts),
  ) as [string, string, string];
  return { ...servers, database: { ...database, webUrl, workerUrl, ownerUrl } };
}

async function start(...hosts: readonly { port: number }[]): Promise<[TestProcess, Context]> {
  const [web, worker] = await Promise.all([startWeb(storesAt(...hosts)), openWorker(storesAt(...hosts))]);
  opened.push(web, worker);
  return [web, worker];
}

async function member(web: TestProcess): Promise<{ browser: Browser; email: string }> {
  const browser = new Browser(web.url);
  const email = newEmail();
  expect((await browser.register(email)).status).toBe(303);
  return { browser, email };
}

/** Until the standby has what the primary has. */
async function caughtUp(): Promise<void> {
  const [now] = await query<{ lsn: string }>(servers.postgres().superuserUrl, 'SELECT pg_current_wal_lsn() AS lsn');
  await until(async () => {
    const text = 'SELECT pg_last_wal_replay_lsn() >= $1::pg_lsn AS there';
    return (await query<{ there: boolean }>(standby.superuserUrl, text, [now?.lsn]))[0]?.there ?? false;
  });
}

const superuserUrlAt = ({ superuserUrl }: Postgres) => {
  const url = new URL(superuserUrl);
  url.pathname = '/holdfast';
  return url.href;
};

/** Ways in which the primary goes. */
const ENDS: Readonly<Record<string, () => unknown>> = {
  'is killed': () => servers.postgres().kill(),
  'falls silent': () => {
    const thaw = freeze(servers.postgres());
    opened.push({ close: async () => thaw() });
  },
};

describe.each(Object.keys(ENDS))('the primary %s and the standby is promoted', (name) => {
  test('pages go on, log-ins are back at once, and the log goes on with all that was answered', async () => {
    const [web, worker] = await start(servers.postgres(), standby);
    const { browser, email } = await member(web);
    await caughtUp();
    let asking = true;
    const statuses = new Set<number>();
    const pages = (async () => {
      while (asking) statuses.add(await browser.profile());
    })();
    await ENDS[name]?.();
    expect((await new Browser(web.url).logIn(email)).status).toBe(503);
    await promote(standby);
    const promotedAt = performance.now();
    await until(async () => (await new Browser(web.url).logIn(email)).status === 303);
    expect(performance.now() - promotedAt).toBeLessThan(10_000);
    asking = false;
    await pages;
    expect([...statuses]).toEqual([200]);
    await until(() =>
      worker.sealing.seal().then(
        () => true,
        () => false,
      ),
    );
    const types = await query<{ type: string }>(superuserUrlAt(standby), 'SELECT type FROM audit_event ORDER BY seq');
    expect(types.filter(({ type }) => type === 'session_created')).toHaveLength(2);
    expect((await worker.verification.verify()).intact).toBe(true);
  });
});

test('the old primary comes back as if it were still one: nobody goes to it', async () => {
  const [web] = await start(servers.postgres(), standby);
  await servers.postgres().kill();
  await promote(standby);
  await until(async () => {
    await web.context.database.pool.query('SELECT 1').catch(() => undefined);
    return web.context.database.awayBecause() === null;
  });
  await servers.startPostgresAgain();
  const late = openDatabase({ url: storesAt(servers.postgres(), standby).database.webUrl, poolSize: 2 });
  opened.push(late);
  for (const { pool } of [web.context.database, late]) {
    const { rows } = await pool.query<{ port: number }>('SELECT inet_server_port() AS port');
    expect(rows).toEqual([{ port: standby.port }]);
  }
});

describe('a standby alone', () => {
  test('is no PostgreSQL to start with: unready, and why', async () => {
    const web = await startWeb(storesAt(standby), {}, { waits: false });
    opened.push(web);
    await until(() => web.context.database.awayBecause() !== null);
    const ready = await new Browser(web.url).get('/readyz');
    expect(ready.status).toBe(503);
    expect(ready.body).toEqual({
      status: 'unready',
      missing: expect.arrayContaining(['postgres']),
      reason: 'PostgreSQL is a standby here (pg_is_in_recovery): it takes no writes',
    });
  });

  test('that lags lets no ended session in, though Redis is gone', async () => {
    const [web] = await start(servers.postgres());
    const { browser } = await member(web);
    await caughtUp();
    const other = await startWeb(storesAt(standby), {}, { waits: false });
    opened.push(other);
    replication.hold();
    const cookies = new Browser(other.url);
    for (const cookie of browser.agent.jar.getCookies({ domain: '127.0.0.1', path: '/', secure: false, script: false }))
      cookies.agent.jar.setCookie(cookie.toString());
    expect((await browser.logOut()).status).toBe(303);
    await servers.redis().kill();
    const [live] = await query(superuserUrlAt(standby), 'SELECT FROM session WHERE ended_at IS NULL');
    expect(live).toBeDefined();
    for (let tries = 0; tries < 20; tries += 1) expect(await cookies.profile()).toBe(503);
  });

  test('serves commands that only read; others, and migrate, say why they can do nothing', async () => {
    const { database } = servers;
    const at = (url: string) => Object.assign(new URL(url), { port: String(standby.port) }).href;
    const cli = commandLine({ ...servers, database: { ...database, webUrl: at(database.webUrl) } });
    expect(await cli(['user', 'list'])).toMatchObject({ code: 0, err: '' });
    const refused = await cli(['user', 'disable', 'nobody@example.org', '--reason', 'a test']);
    expect(refused).toMatchObject({ code: 1, out: '' });
    expect(refused.err).toContain('PostgreSQL is a standby here');
    await expect(migrate(at(database.ownerUrl))).rejects.toThrow('PostgreSQL is a standby here');
  });
});

describe('synchronous standbys', () => {
  async function set(name: string, value: string): Promise<void> {
    const { superuserUrl } = servers.database;
    await query(superuserUrl, `ALTER SYSTEM SET ${name} = '${value}'`);
    await query(superuserUrl, 'SELECT pg_reload_conf()');
  }

  test('where there are none, or nothing waits for them, is said at the start', async () => {
    const { database } = (await start(servers.postgres()))[0].context;
    const said = async () => {
      const lines: string[] = [];
      const log = { warn: (_: unknown, message: string) => lines.push(message) } as unknown as Log;
      await tellReplication({ database, log });
      return lines.join();
    };
    await until(async () => (await said()).includes('synchronous_standby_names'));
    await set('synchronous_standby_names', 'ANY 1 (*)');
    await until(async () => (await said()) === '');
    await set('synchronous_commit', 'local');
    await until(async () => (await said()).includes('synchronous_commit'));
  });

  test('a commit that waits for one in vain ends: 503, and it holds no connection on either side', async () => {
    const [web] = await start(servers.postgres());
    const { browser, email } = await member(web);
    await set('synchronous_standby_names', 'ANY 1 (*)');
    await until(async () => {
      const text = `SELECT FROM pg_stat_replication WHERE sync_state = 'quorum'`;
      return (await query(servers.postgres().superuserUrl, text)).length === 1;
    });
    replication.hold();
    const answers = await Promise.all([new Browser(web.url).logIn(email), new Browser(web.url).register(newEmail())]);
    expect(answers.map(({ status }) => status)).toEqual([503, 503]);
    expect(await browser.profile()).toBe(200);
    const waiting = `SELECT FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND usename = 'own_web'`;
    await until(async () => (await query(servers.database.superuserUrl, waiting)).length === 0);
    const { rows } = await web.context.database.pool.query('SELECT 1');
    expect(rows).toHaveLength(1);
    replication.release();
    await until(async () => (await new Browser(web.url).logIn(email)).status === 303);
  });
});

test('commands and migrate find the one of several hosts that takes writes', async () => {
  const nowhere = { port: 1 };
  const { database } = storesAt(nowhere, standby, servers.postgres());
  expect(await migrate(database.ownerUrl)).toEqual([]);
  const cli = commandLine({ ...servers, database });
  expect(await cli(['group', 'create', 'staff', '--reason', 'a test'])).toMatchObject({ code: 0 });
  const none = commandLine({ ...servers, database: storesAt(nowhere, standby).database });
  const { err } = await none(['group', 'create', 'others', '--reason', 'a test']);
  expect(err).toMatch(/127\.0\.0\.1:1: .*ECONNREFUSED.*; 127\.0\.0\.1:\d+: PostgreSQL is a standby here/s);
});
