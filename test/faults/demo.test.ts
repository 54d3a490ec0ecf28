// `npm run up -- --demo`, from dist/, with a real nginx: who is not logged in gets to the log-in, the application hears who it
// is, and all of it ends with the launcher.
import { existsSync } from 'node:fs';
import { request } from 'node:http';
import { createServer } from 'node:net';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { query } from '../../harness/query.ts';
import { until } from '../../harness/until.ts';
import { isRunning } from '../../src/launcher/machine/process.ts';
import { readUpFile } from '../../src/launcher/up-file.ts';
import { everyPid, own, port, type Run, run, startUp, upPids, useLauncher, waitMs } from '../support/launched.ts';

useLauncher();

const startDemo = (more = {}) => startUp(run('main.js', more, ['--demo']));
const demoOf = (up: Run) => /http:\/\/demo\.localhost:\d+/.exec(up.output())?.[0] ?? '';

interface Page {
  readonly url: URL;
  readonly status: number;
  readonly text: string;
}

/** A browser as far as it matters here: cookies by host name, redirects followed. Every name is this machine's. */
class Visitor {
  readonly #cookies = new Map<string, Map<string, string>>();

  async open(address: string, form?: Readonly<Record<string, string>>): Promise<Page> {
    let [url, body] = [new URL(address), form && new URLSearchParams(form).toString()];
    for (let steps = 0; steps < 12; steps += 1) {
      const { status, location, text } = await this.#ask(url, body);
      if (!location) return { url, status, text };
      [url, body] = [new URL(location, url), undefined];
    }
    throw new Error(`It goes round and round: ${url.href}`);
  }

  /** Sends the form of a page with its token. */
  send({ url, text }: Page, action: URL, fields: Readonly<Record<string, string>>): Promise<Page> {
    const hidden = [...text.matchAll(/<input type="hidden" name="(\w+)" value="([^"]*)"/g)];
    expect(url.origin).toBe(action.origin);
    return this.open(action.href, {
      ...Object.fromEntries(hidden.map(([, name, value = '']) => [name, value.replaceAll('&amp;', '&')])),
      ...fields,
    });
  }

  #ask(url: URL, body?: string): Promise<{ status: number; location: string | undefined; text: string }> {
    const jar = this.#cookies.get(url.hostname) ?? new Map<string, string>();
    this.#cookies.set(url.hostname, jar);
    const headers = {
      host: url.host,
      origin: url.origin,
      cookie: [...jar].map((one) => one.join('=')).join('; '),
      'sec-fetch-mode': 'navigate',
      'sec-fetch-dest': 'document',
      'sec-fetch-site': body === undefined ? 'same-site' : 'same-origin',
      ...(body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
    };
    const at = { host: '127.0.0.1', port: url.port, path: url.pathname + url.search, agent: false };
    return new Promise((resolve, reject) => {
      const asking = request({ ...at, headers, method: body === undefined ? 'GET' : 'POST' }, (response) => {
        for (const cookie of response.headers['set-cookie'] ?? []) {
          const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
          if (value) jar.set(name, value);
          else jar.delete(name);
        }
        let text = '';
        response.setEncoding('utf8').on('data', (piece) => {
          text += piece;
        });
        const { statusCode: status = 0 } = response;
        response.on('end', () => resolve({ status, location: response.headers.location, text }));
      });
      asking.on('error', reject);
      asking.end(body);
    });
  }
}

const sql = <Row>(text: string) => query<Row>(readUpFile(own.folder)?.databaseUrl ?? '', text);
const registered = () =>
  sql<{ slug: string; name: string; url: string; everybody: boolean }>(
    'SELECT slug, name, url, everybody FROM application',
  );

async function stopped(up: Run): Promise<void> {
  const pids = everyPid();
  up.process.kill('SIGINT');
  expect(await up.exited).toBe(0);
  expect(pids.filter(isRunning)).toEqual([]);
}

test('leads to the log-in, is told who registered, logs them out, comes back, and stops', async () => {
  const up = await startDemo();
  const [demo, visitor] = [demoOf(up), new Visitor()];
  const login = await visitor.open(`${demo}/`);
  expect([login.url.host, login.url.pathname]).toEqual([`localhost:${port}`, '/login']);

  const register = new URL(`/register${login.url.search}`, login.url);
  const fields = { email: 'newcomer@example.org', password: 'correct horse battery' };
  const inside = await visitor.send(await visitor.open(register.href), register, fields);
  expect([inside.url.href, inside.status]).toEqual([`${demo}/`, 200]);
  expect(inside.text).toContain('newcomer@example.org');

  for (const name of ['demoApplication', 'demoProxy'] as const) {
    const pid = upPids()?.[name] ?? 0;
    process.kill(pid, 'SIGKILL');
    await until(() => ![pid, 0].includes(upPids()?.[name] ?? 0), waitMs);
  }
  const back = async () => (await visitor.open(`${demo}/`).catch(() => undefined))?.text.includes('newcomer@');
  await until(async () => (await back()) === true, waitMs);

  const logout = await visitor.open(`${demo}/.holdfast/logout`);
  const out = await visitor.send(logout, logout.url, { scope: 'everywhere' });
  expect(out.status).toBe(200);
  expect((await visitor.open(`${demo}/`)).url.pathname).toBe('/login');
  await stopped(up);
}, 240_000);

test('is registered once, follows its port, keeps what operators set, and runs only when asked for', async () => {
  const first = await startDemo();
  const demo = demoOf(first);
  expect(await registered()).toEqual([{ slug: 'demo', name: 'Demo', url: demo, everybody: true }]);
  await sql(`UPDATE application SET name = 'Renamed', everybody = false`);
  await stopped(first);

  const plain = await startUp();
  expect(everyPid()).toHaveLength(7);
  expect(plain.output()).not.toContain('demo.localhost');
  expect((await fetch(`http://127.0.0.1:${port}/forward-auth/nginx/demo`)).status).toBe(404);
  await stopped(plain);

  const same = await startDemo();
  expect(demoOf(same)).toBe(demo);
  await stopped(same);

  const taken = createServer().listen(Number(new URL(demo).port), '127.0.0.1');
  const other = await startDemo();
  expect(demoOf(other)).not.toBe(demo);
  expect(await registered()).toEqual([{ slug: 'demo', name: 'Renamed', url: demoOf(other), everybody: false }]);
  await until(async () => (await sql<{ type: string }>(EVENTS)).length === 2, waitMs);
  expect(await sql(EVENTS)).toEqual([
    { type: 'application_registered', reason: 'npm run up -- --demo' },
    { type: 'application_changed', reason: 'npm run up -- --demo' },
  ]);
  taken.close();

  const pids = everyPid();
  expect(pids).toHaveLength(9);
  await sql(`UPDATE application SET url = 'https://demo.example.org', host = 'demo.example.org'`);
  other.process.kill('SIGKILL');
  await until(() => !pids.some(isRunning), waitMs);

  const refused = run('main.js', {}, ['--demo']);
  expect(await refused.exited).toBe(1);
  expect(refused.output()).toContain('There is an application demo at https://demo.example.org, which is another one.');
  expect(refused.output()).not.toContain('Ctrl-C, or');
  await expect(fetch(`http://127.0.0.1:${port}/readyz`)).rejects.toThrow();
}, 300_000);

const EVENTS = `SELECT type, detail->>'reason' AS reason FROM audit_event WHERE type LIKE 'application_%' ORDER BY seq`;

test.each([
  [{ TRUSTED_PROXIES: '10.0.0.0/8' }, '--demo needs 127.0.0.1 in TRUSTED_PROXIES'],
  [{ PUBLIC_URL: 'https://localhost' }, '--demo is for a PUBLIC_URL of this machine'],
  [{ PATH: '/nowhere', SERVERS_DIR: '/nowhere' }, 'nginx is needed and not on the PATH.'],
])('with %j says what is in its way, before anything starts', async (env, sentence) => {
  const up = run('main.js', env, ['--demo']);
  expect(await up.exited).toBe(1);
  expect(up.output()).toContain(sentence);
  expect(up.output()).not.toMatch(/\n\s+at /);
  expect(existsSync(path.join(own.folder, 'postgres'))).toBe(false);
});

test('another argument is refused', async () => {
  const up = run('main.js', {}, ['--demp']);
  expect(await up.exited).toBe(2);
  expect(up.output()).toContain("Unknown option '--demp'\nUsage: npm run up [-- --demo]\n");
});
