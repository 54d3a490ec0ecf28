// A whole Holdfast inside the test: its own database, its own key space, the Koa application, and the worker's core
// beside it with the worker's rights. What a test asks of it over HTTP goes through supertest's agents, one a browser.
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import supertest from 'supertest';
import { GENEROUS } from '../../harness/generous-throttle.ts';
import type { TestStores } from '../../harness/stores.ts';
import { until } from '../../harness/until.ts';
import { type Config, readConfig } from '../../src/core/config.ts';
import { type Context, createContext } from '../../src/core/context.ts';
import { createLog } from '../../src/core/platform/log.ts';
import { createMetrics } from '../../src/core/platform/metrics.ts';
import { createApp } from '../../src/web/app.ts';
import type { Readiness } from '../../src/web/pages/health.ts';
import { createWebServer } from '../../src/web/serve.ts';

export const PASSWORD = 'correct horse battery staple';
export const SESSION_COOKIE = 'holdfast_session';

export interface TestProcess {
  readonly context: Context;
  readonly config: Config;
  readonly url: string;
  readonly server: Server;
  close(): Promise<void>;
}

/** For tests that are not about hashing. */
const CHEAP_HASHES = { PASSWORD_HASH_MEMORY_KIB: '1024', PASSWORD_HASH_PASSES: '1' };

/** One web process' worth of application on a port of its own, ready to serve; or as it is where it is not waited for. */
export async function startWeb(
  stores: TestStores,
  env: Readonly<Record<string, string>> = {},
  { waits = true } = {},
): Promise<TestProcess> {
  const config = readConfig({
    NODE_ENV: 'test',
    DATABASE_URL: stores.database.webUrl,
    REDIS_URL: stores.redisUrl,
    SESSION_KEYS: 'a-key-for-tests-that-is-long-enough',
    SECRETS_KEYS: 'another-key-for-tests-that-is-long-enough',
    SECOND_FACTOR: 'nobody', // operators log in with a password, but in the tests about it
    PASSWORD_HASH_CONCURRENCY: '2',
    ...(env['NODE_ENV'] === 'production' ? {} : CHEAP_HASHES),
    LOG_LEVEL: 'silent',
    DATABASE_POOL: '5',
    ...GENEROUS,
    ...env,
  });
  const context = createContext(config, createLog({ level: config.logLevel, name: 'test' }), {
    metrics: createMetrics(),
  });
  const readiness: Readiness = { draining: false, started: false };
  const server = createWebServer(createApp(context, readiness).listener);
  await new Promise<void>((resolve) => server.listen(config.port === 3_000 ? 0 : config.port, '127.0.0.1', resolve));
  if (waits) await waitForStores(context);
  readiness.started = waits;
  return {
    context,
    config,
    server,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      await new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      });
      await context.close();
    },
  };
}

/** The worker's core, with the worker's rights and no queue running: a test calls its jobs when it wants them. */
export async function openWorker(stores: TestStores, env: Readonly<Record<string, string>> = {}): Promise<Context> {
  const given = { NODE_ENV: 'test', DATABASE_URL: stores.database.workerUrl, REDIS_URL: stores.redisUrl };
  const config = readConfig({ ...given, DATABASE_POOL: '4', LOG_LEVEL: 'silent', ...env }, { signs: false });
  const context = createContext(config, createLog({ level: config.logLevel, name: 'test-worker' }), {
    metrics: createMetrics(),
  });
  await waitForStores(context);
  return context;
}

export function waitForStores({ sessionCache }: Context): Promise<void> {
  return until(() => sessionCache.health().redis && sessionCache.health().postgres);
}

/** One person's browser: keeps its cookies, follows no redirect, and fills in the forms that it is shown. */
export class Browser {
  readonly agent: ReturnType<typeof supertest.agent>;

  constructor(url: string) {
    this.agent = supertest.agent(url);
  }

  get(path: string) {
    return this.agent.get(path).redirects(0);
  }

  /** Opens `page`, takes its form's token, and posts the fields to `path`. */
  async submit(path: string, fields: Readonly<Record<string, string>>, page = path) {
    const token = await this.token(page);
    return this.agent
      .post(path)
      .redirects(0)
      .type('form')
      .send({ ...fields, _csrf: token });
  }

  async token(page: string): Promise<string> {
    const { text } = await this.get(page);
    const token = /name="_csrf" value="([^"]+)"/.exec(text)?.[1];
    if (token === undefined) throw new Error(`no form on ${page}`);
    return token;
  }

  register(email: string, password = PASSWORD) {
    return this.submit('/register', { email, password });
  }

  logIn(email: string, password = PASSWORD, fields: Readonly<Record<string, string>> = {}) {
    return this.submit('/login', { email, password, ...fields });
  }

  logOut() {
    return this.submit('/logout', {}, '/profile');
  }

  /** The status of a restricted page: 200 while logged in. */
  async profile(): Promise<number> {
    return (await this.get('/profile')).status;
  }
}

/** The value of a cookie that an answer sets, or undefined. */
export function setCookie(response: { headers: Record<string, unknown> }, name: string): string | undefined {
  const cookies = (response.headers['set-cookie'] ?? []) as string[];
  return cookies.find((cookie) => cookie.startsWith(`${name}=`));
}

let people = 0;

/** An address that no other test uses. */
export function newEmail(): string {
  people += 1;
  return `person-${process.pid}-${people}@example.org`;
}
