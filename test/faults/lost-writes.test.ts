// Redis fails over to a replica that lacked the last writes, while PostgreSQL is away and knows nothing of them. The loss is
// certain: the link between the two is held. DESIGN: the rows "PostgreSQL down" and "Redis fails over to a replica".
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { type OwnServers, startOwnServers } from '../../harness/own-servers.ts';
import { query } from '../../harness/query.ts';
import { type RedisReplica, startRedisReplica } from '../../harness/redis-replica.ts';
import { until } from '../../harness/until.ts';
import { Browser, newEmail, startWeb, type TestProcess } from '../support/app.ts';
import { startWorkerProcess } from '../support/worker-process.ts';

const LEAVING = 15;

let servers: OwnServers;
let replica: RedisReplica;
let web: TestProcess;

beforeEach(async () => {
  servers = await startOwnServers();
  replica = await startRedisReplica(servers);
  web = await startWeb(servers);
});

afterEach(async () => {
  await web?.close();
  await replica?.close();
  await servers?.close();
});

function cookieOf({ agent }: Browser): string {
  const jar = agent.jar.getCookies({ domain: '127.0.0.1', path: '/', secure: false, script: false });
  return [...jar].map((one) => `${one.name}=${one.value}`).join('; ');
}

async function status(cookie: string): Promise<number> {
  const answer = await fetch(`${web.url}/profile`, { headers: { cookie }, redirect: 'manual' });
  await answer.arrayBuffer();
  return answer.status;
}

async function people(count: number): Promise<Browser[]> {
  const them: Browser[] = [];
  for (let one = 0; one < count; one += 1) {
    const browser = new Browser(web.url);
    expect((await browser.register(newEmail())).status).toBe(303);
    expect(await browser.profile()).toBe(200);
    them.push(browser);
  }
  return them;
}

async function postgresAway(): Promise<void> {
  await servers.postgres().kill();
  await until(() => !web.context.sessionCache.health().postgres);
}

/** Redis is another one, and whoever asks it has noticed. */
async function failOver(): Promise<void> {
  const { redis } = web.context;
  const closed = new Promise((resolve) => redis.once('close', resolve));
  await replica.takeOver();
  await closed;
  await until(() => redis.status === 'ready');
}

test('a log-out that was answered 303 is one on the replica too', async () => {
  const them = await people(LEAVING);
  const [stays] = await people(1);
  await postgresAway();
  const cookies = them.map(cookieOf);
  // A replica that is late is a 503, after which nothing has ended: people ask again.
  for (const browser of them) await until(async () => (await browser.logOut()).status === 303);
  replica.holdLink();
  await failOver();
  for (const cookie of cookies) expect([303, 503]).toContain(await status(cookie)); // 503: not believed yet, without PostgreSQL
  await servers.startPostgresAgain();
  await until(async () => (await stays?.profile()) === 200);
  const worker = startWorkerProcess(servers);
  try {
    for (const cookie of cookies) expect(await status(cookie)).toBe(303);
    await until(async () => {
      const ended = `SELECT FROM audit_event WHERE type = 'session_ended' AND detail->>'reason' = 'logged_out'`;
      return (await query(servers.database.superuserUrl, ended)).length === LEAVING;
    });
  } finally {
    worker.process.kill('SIGTERM');
    await worker.exited;
  }
  for (const cookie of cookies) expect(await status(cookie)).toBe(303);
});

test('one that no replica has is refused with 503 and ends nothing; pages don’t wait for it', async () => {
  const [browser, reader] = await people(2);
  if (!browser || !reader) throw new Error('nobody registered');
  await browser.get('/profile');
  const token = await browser.token('/profile');
  await postgresAway();
  replica.holdLink();
  const leaving = browser.agent.post('/logout').redirects(0).type('form').send({ _csrf: token });
  const [answer] = await Promise.all([leaving, reader.profile()]);
  expect([answer.status, answer.headers['set-cookie']]).toEqual([503, undefined]);
  expect([await browser.profile(), await reader.profile()]).toEqual([200, 200]);
  await failOver();
  await servers.startPostgresAgain();
  await until(async () => (await browser.profile()) === 200);
  expect((await browser.logOut()).status).toBe(303);
});
