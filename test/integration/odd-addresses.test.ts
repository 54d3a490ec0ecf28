// Every page, asked for by an operator with addresses that nobody wrote by clicking: odd parts of the path, odd values of every
// parameter, and browsers that take odd things. None is an error of ours.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type Router from '@koa/router';
import type { Log } from '../../src/core/platform/log.ts';
import { createApp } from '../../src/web/app.ts';
import { FILTER_NAMES } from '../../src/web/console/log/filter.ts';
import type { Person } from '../support/world.ts';
import { world } from '../support/world.ts';

const ID = '018f0000-0000-7000-8000-000000000000';
const ODD = [
  '%00',
  'a%00',
  '%EF%BF%BF',
  '%F0%9F%92%A9',
  '%22%3E%3Cscript%3E',
  "'%20OR%201=1--",
  '__proto__',
  '-1',
  '9'.repeat(30),
  '1e309',
  'NaN',
  ID,
  ID.toUpperCase(),
  '127.1',
  '0x7f.1',
  '0x7f.1/8',
  '::1%25eth0',
  '1.2.3.4/33',
  '2001:db8::/0129',
  `-271821-04-20T00:00:00.000Z_${ID}`,
  `-004713-01-01T00:00:00Z_${ID}`,
  `+275760-09-13T00:00:00.000Z_${ID}`,
  `0000-01-01T00:00:00.000Z_${ID}`,
  '0000-00-00',
  '9999-12-31T23:59:60Z',
  'x'.repeat(2_000),
  '%',
  '%ED%A0%80',
];
const NAMES = [
  ...FILTER_NAMES,
  ...['before', 'after', 'limit', 'format', 'zone', 'as', 'q', 'sort', 'state', 'view', 'done', 'next', 'id', 'name'],
  ...['listen', 'upstream', 'holdfast', 'application', 'ticket', 'to', 'late', 'of', 'email', 'language'],
];

const { web, newOperator } = await world();
let router: Router;
let server: Server;
let operator: Person;
const said: unknown[] = [];

beforeAll(async () => {
  const log = Object.create(web.context.log, { error: { value: (...words: unknown[]) => said.push(words) } }) as Log;
  const application = createApp({ ...web.context, log }, { draining: false, started: true });
  router = application.router;
  application.streams.end(); // those that are opened end at once, or the test would wait for them
  server = createServer(application.app.callback());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  operator = await newOperator(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});

afterAll(async () => {
  server?.closeAllConnections();
  await new Promise((resolve) => server?.close(resolve));
});

function pages(): string[] {
  return router.stack.flatMap(({ path, methods }) => (methods.includes('GET') ? [String(path)] : []));
}

async function faultsOf(asked: readonly string[]): Promise<string[]> {
  const faults: string[] = [];
  for (const address of asked) {
    const { status } = await operator.browser.agent.get(address).redirects(0);
    if (status >= 500) faults.push(`${status} ${address}`);
  }
  return faults;
}

describe('an operator who asks for', () => {
  test('odd parts of a path', async () => {
    const paths = pages().filter((path) => /[:*]/.test(path));
    expect(paths.length).toBeGreaterThan(20);
    expect(await faultsOf(paths.flatMap((path) => ODD.map((odd) => path.replaceAll(/[:*]\w+/g, odd))))).toEqual([]);
  }, 120_000);

  test('odd values of every parameter, once and twice', async () => {
    const paths = pages().filter((path) => !/[:*]/.test(path));
    expect(paths.length).toBeGreaterThan(40);
    const lists = paths.filter((path) => path.startsWith('/operator') || path.startsWith('/applications'));
    const single = lists.flatMap((path) => NAMES.flatMap((name) => ODD.map((odd) => `${path}?${name}=${odd}`)));
    // Each page meets each name and each value, if not each of one with each of the other.
    const some = single.filter((_, index) => index % 31 === 0);
    const ofAttempts = ['person', 'address', 'outcome', 'time', 'before', 'after'];
    const list = ofAttempts.flatMap((name) => ODD.map((odd) => `/operator/attempts?${name}=${odd}`));
    const together = paths.map((path) => `${path}?${NAMES.map((name) => `${name}=%00&${name}=1`).join('&')}`);
    expect(await faultsOf([...some, ...list, ...together])).toEqual([]);
  }, 240_000);

  test('files that the board of the queues does not have', async () => {
    const board = '/operator/queues/board/static';
    const answers = [`${board}/%2e%2e/%2e%2e/package.json`, `${board}/..%2f..%2fpackage.json`, `${board}/%00`];
    for (const path of answers) {
      const { status, text } = await operator.browser.agent.get(path).redirects(0);
      expect([400, 403, 404]).toContain(status);
      expect(text).not.toContain('"dependencies"');
    }
    expect(said).toEqual([]); // nothing of all this is an error in the program's log
  });

  test.each([
    ['audit/99999999', 'There is no event of this number'],
    [`users/${ID}`, 'There is no such account'],
    [`sessions/${ID}`, 'There is no such session'],
    [`groups/${ID}`, 'There is no such group'],
    ['applications/nothing', 'There is no such application'],
    ['alerts/nothing', 'There is no such alert'],
    ['applications/nothing/chnge', 'There is no page here'],
    [`users/${ID}/tokens/${ID}/revoke`, 'There is no page here'],
  ])('%s, which is not there, is told so in the console', async (path, heading) => {
    const { status, text } = await operator.browser.get(`/operator/${path}`);
    expect(status).toBe(404);
    expect(text).toContain(`<h1>${heading}</h1>`);
    expect(text).toContain('aria-label="Console"');
    expect(text).toContain('href="/operator">Go to the overview</a>');
  });

  test('a page in no coding at all', async () => {
    const answer = await operator.browser.agent.get('/operator').set('Accept-Encoding', 'identity;q=0, *;q=0');
    expect([answer.status, answer.headers['content-encoding']]).toEqual([200, undefined]);
    expect(answer.text).toContain('</html>');
  });
});
