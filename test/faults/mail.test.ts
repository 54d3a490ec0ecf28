// A store that fails while mail is on its way: what was committed is sent, and once.
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { type OwnServers, startOwnServers } from '../../harness/own-servers.ts';
import { query } from '../../harness/query.ts';
import { until } from '../../harness/until.ts';
import type { Context } from '../../src/core/context.ts';
import { Browser, newEmail, openWorker, startWeb, type TestProcess } from '../support/app.ts';
import { type MailServer, startMailServer } from '../support/mail-server.ts';

let servers: OwnServers;
let server: MailServer;
let web: TestProcess;
let worker: Context;

beforeEach(async () => {
  [servers, server] = await Promise.all([startOwnServers(), startMailServer()]);
  const env = { SMTP_URL: server.url, REGISTRATION: 'open' };
  [web, worker] = await Promise.all([startWeb(servers, env), openWorker(servers, env)]);
});

afterEach(async () => {
  await Promise.all([web?.close(), worker?.close()]);
  await server?.stop();
  await servers?.close();
});

const send = () => worker.mailDelivery.sendDue();
const outcomeOf = async (address: string) => {
  const [row] = await query<{ outcome: string | null; attempts: number }>(
    servers.database.superuserUrl,
    'SELECT outcome, attempts FROM mail WHERE recipient = $1',
    [address],
  );
  return row;
};

/** Each delivery looks for the next mail beside; one of these looks cut off would be another fault than the test's. */
async function looksForNoMore(): Promise<boolean> {
  const [row] = await query<{ looking: boolean }>(
    servers.database.superuserUrl,
    `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE state <> 'idle' AND pid <> pg_backend_pid()
                     AND datname = current_database()) AS looking`,
  );
  return row?.looking === false;
}

async function registered(): Promise<string> {
  const email = newEmail();
  expect((await new Browser(web.url).register(email)).status).toBe(303);
  return email;
}

test('Redis away before the worker could be nudged: the sweep sends the mail, and its return no second one', async () => {
  const email = await registered();
  await servers.redis().kill();
  expect((await new Browser(web.url).submit('/forgot-password', { email })).status).toBe(303);
  expect(await outcomeOf(email)).toEqual({ outcome: null, attempts: 0 });
  expect(await send()).toBe(1);
  await servers.startRedisAgain();
  await until(() => worker.sessionCache.health().redis && web.context.sessionCache.health().redis);
  expect(await send()).toBe(0);
  expect([server.countTo(email), await outcomeOf(email)]).toEqual([1, { outcome: 'sent', attempts: 1 }]);
  const link = new URL((await server.mailTo(email)).link ?? '');
  const someone = new Browser(web.url);
  await someone.get(link.pathname + link.search);
  expect((await someone.get('/reset-password')).status).toBe(200);
});

test('PostgreSQL stopped between the server’s word and the note of it: the note waits, and nobody sends it again', async () => {
  const email = await registered();
  expect((await new Browser(web.url).submit('/forgot-password', { email })).status).toBe(303);
  const killed = new Promise<void>((resolve, reject) => {
    server.beforeTaking(async () => {
      await until(looksForNoMore);
      const killing = servers.postgres().kill();
      killing.then(resolve, reject);
      return killing;
    });
  });
  const sending = send();
  await killed;
  await servers.startPostgresAgain();
  server.beforeTaking(null);
  expect(await sending).toBe(1);
  expect(await send()).toBe(0);
  expect([server.countTo(email), await outcomeOf(email)]).toEqual([1, { outcome: 'sent', attempts: 1 }]);
});
