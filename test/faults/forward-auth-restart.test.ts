// Applications behind real proxies while Holdfast's web processes are replaced and killed: whoever is inside stays inside, and of
// all their requests a rolling reload costs none.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Installation, install } from '../../harness/installation.ts';
import { makeFolder, type RunningProxy, type RunProxy, startProxy } from '../../harness/proxies.ts';
import { query } from '../../harness/query.ts';
import { killWebProcess } from '../../harness/restart/scenarios.ts';
import { until } from '../../harness/until.ts';
import { writeRecipe } from '../../src/core/forward-auth/recipes.ts';
import { freePort } from '../../src/launcher/machine/ports.ts';
import { Browser, newEmail } from '../support/app.ts';
import { addApplication } from '../support/applications.ts';
import { ask, cookieIn, PAGE, type SentHeaders } from '../support/wire.ts';

const CLIENTS = 6;

const application = createServer((request, response) => response.end(String(request.headers['holdfastemail'])));
let installation: Installation;
let upstream: string;
let holdfast: string;
let browser: Browser;
const email = newEmail();

beforeAll(async () => {
  await new Promise<void>((resolve) => application.listen(0, '127.0.0.1', resolve));
  upstream = `http://127.0.0.1:${(application.address() as AddressInfo).port}`;
  installation = await install({ webProcesses: 2, env: { SHUTDOWN_TIMEOUT_MS: '4000' } });
  holdfast = `http://127.0.0.1:${installation.port}`;
  browser = new Browser(holdfast);
  expect((await browser.register(email)).status).toBe(303);
}, 240_000);

afterAll(async () => {
  await installation?.close();
  application.closeAllConnections();
  await new Promise((resolve) => application.close(resolve));
});

describe.each<RunProxy>(['nginx', 'caddy', 'haproxy'])('behind %s', (proxy) => {
  let at: number;
  let host: string;
  let running: RunningProxy;
  let cookie: string;
  const get = (path: string, headers: SentHeaders) => ask(`http://127.0.0.1:${at}${path}`, { host, ...headers });

  beforeAll(async () => {
    at = await freePort();
    host = `${proxy}.localhost:${at}`;
    const sql = <Row>(text: string, values: unknown[] = []) =>
      query<Row>(installation.servers.database.superuserUrl, text, values);
    const { slug } = await addApplication(sql, { url: `http://${host}` });
    const folder = makeFolder();
    const recipe = writeRecipe(
      proxy,
      { name: 'An application', slug, url: `http://${host}` },
      { listen: at, upstream, holdfast, folder },
    );
    if (!recipe.ok) throw new Error(recipe.problem);
    running = await startProxy(proxy, { files: recipe.files, folder, port: at });
    await until(async () => (await get('/.holdfast/start?to=%2F', PAGE)).status === 302);
    const start = await get('/.holdfast/start?to=%2F', PAGE);
    const { pathname, search } = new URL(start.headers.location ?? '');
    const given = await browser.agent
      .get(pathname + search)
      .set('Sec-Fetch-Site', 'cross-site')
      .redirects(0);
    const back = new URL(String(given.headers['location']));
    cookie = cookieIn(await get(back.pathname + back.search, { ...PAGE, cookie: cookieIn(start) }));
  }, 240_000);

  afterAll(() => running?.close());

  /** Asks again and again until the work is done; what did not go well. */
  async function askedDuring(work: () => Promise<unknown>): Promise<{ asked: number; failed: string[] }> {
    const failed: string[] = [];
    let [asked, over] = [0, false];
    const clients = Array.from({ length: CLIENTS }, async () => {
      while (!over) {
        asked += 1;
        const { status, body } = await get('/', { cookie }).catch((error: Error) => ({
          status: 0,
          body: error.message,
        }));
        if (status !== 200 || body !== email) failed.push(`${status} ${body.slice(0, 100)}`);
        await delay(5);
      }
    });
    await work();
    over = true;
    await Promise.all(clients);
    return { asked, failed };
  }

  test('a rolling reload costs no request', async () => {
    const { asked, failed } = await askedDuring(() => installation.reload());
    expect(asked).toBeGreaterThan(100);
    expect(failed).toEqual([]);
  });

  test('a web process that is killed costs the checks that it had in hand at most, and nobody is out', async () => {
    const { asked, failed } = await askedDuring(() => killWebProcess(installation));
    expect(asked).toBeGreaterThan(50);
    expect(failed.length).toBeLessThanOrEqual(CLIENTS);
    for (const failure of failed) expect(failure).toMatch(/^503/);
  });
});
