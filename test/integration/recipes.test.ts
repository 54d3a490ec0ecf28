// The recipes, run by the proxies that they are for: who may pass does, and nobody else; what is not sent is said; and the
// application hears from the proxy alone who it is.
import { createServer, request as httpRequest, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { makeFolder, type RunningProxy, type RunProxy, startProxy } from '../../harness/proxies.ts';
import { until } from '../../harness/until.ts';
import { NO_ORIGIN } from '../../src/core/audit/events.ts';
import { writeRecipe } from '../../src/core/forward-auth/recipes.ts';
import { freePort } from '../../src/launcher/machine/ports.ts';
import { addApplication, type TestApplication } from '../support/applications.ts';
import { type Person, world } from '../support/world.ts';

const port = await freePort();
const publicUrl = `http://localhost:${port}`;
const holdfast = `http://127.0.0.1:${port}`;
const { web, sql, newMember } = await world({
  webs: [{ PORT: String(port), PUBLIC_URL: publicUrl, TRUSTED_PROXIES: '127.0.0.1' }],
});

const PAGE = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
const SCRIPT = { 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' };

type Headers = Readonly<Record<string, string>>;

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** What the application got. */
let got: { method: string; url: string; headers: IncomingMessage['headers']; body: string }[] = [];

const application = createServer((request, response) => {
  let body = '';
  request.setEncoding('utf8').on('data', (piece: string) => {
    body += piece;
  });
  request.on('end', () => {
    got.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers, body });
    response.end('the application');
  });
});
application.on('upgrade', (request, socket) => {
  got.push({ method: 'upgrade', url: request.url ?? '', headers: request.headers, body: '' });
  socket.end(
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n',
  );
});
let upstream: string;

beforeAll(async () => {
  await new Promise<void>((resolve) => application.listen(0, '127.0.0.1', resolve));
  upstream = `http://127.0.0.1:${(application.address() as AddressInfo).port}`;
});

afterAll(async () => {
  application.closeAllConnections();
  await new Promise((resolve) => application.close(resolve));
});

function ask(at: number, host: string, path: string, headers: Headers = {}, method = 'GET', body?: string) {
  const options = { host: '127.0.0.1', port: at, path, method, headers: { host, ...headers }, agent: false };
  return new Promise<Answer>((resolve, reject) => {
    const asking = httpRequest(options, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (piece: string) => {
        text += piece;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }));
    });
    asking.on('error', reject);
    asking.end(body);
  });
}

function handshake(at: number, host: string, headers: Headers): Promise<string> {
  const upgrade = { Upgrade: 'websocket', Connection: 'Upgrade', 'Sec-WebSocket-Version': '13' };
  const lines = Object.entries({ ...headers, ...upgrade, 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==' });
  const text = `GET /socket HTTP/1.1\r\nHost: ${host}\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;
  return new Promise((resolve, reject) => {
    const socket = connect(at, '127.0.0.1', () => socket.write(text));
    socket.once('data', (bytes) => {
      resolve(bytes.toString().split('\r\n')[0] ?? '');
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

const cookieIn = ({ headers }: Answer) => (headers['set-cookie'] ?? []).map((one) => one.split(';')[0]).join('; ');

describe.each<RunProxy>(['nginx', 'caddy', 'haproxy'])('%s', (proxy) => {
  let at: number;
  let host: string;
  let registered: TestApplication;
  let running: RunningProxy;
  let person: Person;

  beforeAll(async () => {
    at = await freePort();
    host = `${proxy}.localhost:${at}`;
    registered = await addApplication(sql, { url: `http://${host}` });
    running = await start(at, holdfast);
    person = await newMember();
    await until(async () => (await web.context.forwardAuth.register()).bySlug(registered.slug) !== undefined);
  }, 240_000); // once it has to be fetched

  afterAll(() => running?.close());

  async function start(listen: number, behind: string): Promise<RunningProxy> {
    const folder = makeFolder();
    const about = { name: 'The Wiki', slug: registered.slug, url: `http://${host}` };
    const recipe = writeRecipe(proxy, about, { listen, upstream, holdfast: behind, folder });
    if (!recipe.ok) throw new Error(recipe.problem);
    return startProxy(proxy, { files: recipe.files, folder, port: listen });
  }

  /** The whole way of a browser from a page and back to it; the cookie of the application. */
  async function enter(path = '/'): Promise<{ cookie: string; location: string | undefined }> {
    await sql('DELETE FROM application_ticket');
    const page = await ask(at, host, path, PAGE);
    expect([page.status, page.headers['set-cookie']]).toEqual([302, undefined]);
    const start = new URL(page.headers.location ?? '');
    expect(start.host).toBe(host);
    const begun = await ask(at, host, start.pathname + start.search, PAGE);
    const login = new URL(begun.headers.location ?? '');
    expect(login.origin).toBe(publicUrl);
    const given = await person.browser.agent
      .get(login.pathname + login.search)
      .set('Sec-Fetch-Site', 'same-site')
      .redirects(0);
    const back = new URL(String(given.headers['location']));
    const entered = await ask(at, host, back.pathname + back.search, { ...PAGE, cookie: cookieIn(begun) });
    return { cookie: cookieIn(entered), location: entered.headers.location };
  }

  test('a page leads to the log-in and back to exactly that page, and the application hears who it is', async () => {
    const path = '/a%2Fb/c;d?x=1&y=a+b%20c&z=%25&&q=/../';
    const { cookie, location } = await enter(path);
    expect(location).toBe(`http://${host}${path}`);
    got = [];
    const forged = { HoldfastUser: 'somebody else', HoldfastGroups: 'admins', 'Remote-User': 'root' };
    const answer = await ask(at, host, path, { ...PAGE, ...forged, cookie });
    expect([answer.status, answer.body]).toEqual([200, 'the application']);
    expect(got).toHaveLength(1);
    expect(got[0]).toMatchObject({ url: path, headers: { holdfastuser: person.id, holdfastemail: person.email } });
    expect(got[0]?.headers['holdfastgroups'] ?? '').toBe('');
    expect(got[0]?.headers).not.toHaveProperty('remote-user');
    expect(JSON.stringify(got)).not.toMatch(/somebody else|admins|\{http/);
  });

  test('a form gets through with what it sends; without a session it says that it was not sent', async () => {
    const { cookie } = await enter();
    got = [];
    const type = { 'content-type': 'application/x-www-form-urlencoded' };
    const sent = await ask(at, host, '/form', { ...PAGE, ...type, cookie }, 'POST', 'a=b'.repeat(10_000));
    expect([sent.status, got.map(({ method, body }) => [method, body.length])]).toEqual([200, [['POST', 30_000]]]);
    got = [];
    const unsent = await ask(at, host, '/form', { ...PAGE, ...type }, 'POST', 'a=b'.repeat(10_000));
    expect([unsent.status, unsent.headers.location]).toEqual([401, undefined]);
    expect(unsent.body).toContain('This was not sent');
    expect(got).toEqual([]);
  });

  test('a script is told that nobody is logged in', async () => {
    got = [];
    const answer = await ask(at, host, '/api', SCRIPT);
    expect([answer.status, answer.body]).toEqual([401, '{"error":"login_required"}']);
    expect(answer.headers['www-authenticate']).toBe('Bearer error="login_required"');
    expect(got).toEqual([]);
  });

  test('a WebSocket is let through at its handshake, or refused there', async () => {
    const { cookie } = await enter();
    got = [];
    expect(await handshake(at, host, { ...SCRIPT, cookie })).toMatch(/^HTTP\/1\.1 101 /);
    expect(got.map(({ method, headers }) => [method, headers['holdfastuser']])).toEqual([['upgrade', person.id]]);
    expect(await handshake(at, host, SCRIPT)).toMatch(/^HTTP\/1\.1 401 /);
    expect(got).toHaveLength(1);
  });

  test('whoever logs out, there or here, is out at the next request', async () => {
    const { cookie } = await enter();
    expect((await ask(at, host, '/', { ...SCRIPT, cookie })).status).toBe(200);
    const form = { cookie, origin: `http://${host}`, 'content-type': 'application/x-www-form-urlencoded' };
    expect((await ask(at, host, '/.holdfast/logout', form, 'POST', 'scope=here')).status).toBe(200);
    expect((await ask(at, host, '/', { ...SCRIPT, cookie })).status).toBe(401);
    const again = await enter();
    await person.browser.logOut();
    expect((await ask(at, host, '/', { ...SCRIPT, cookie: again.cookie })).status).toBe(401);
    await person.browser.logIn(person.email);
  });

  test('an application that is turned off answers 403', async () => {
    const { cookie } = await enter();
    const by = { actor: null, origin: NO_ORIGIN };
    await web.context.applications.setDisabled(registered.id, true, by);
    await until(async () => (await ask(at, host, '/', { ...SCRIPT, cookie })).status === 403);
    const page = await ask(at, host, '/', { ...PAGE, cookie });
    expect([page.status, page.headers['content-type']]).toEqual([403, 'text/html; charset=utf-8']);
    await web.context.applications.setDisabled(registered.id, false, by);
    await until(async () => (await ask(at, host, '/', SCRIPT)).status === 401);
  });

  test('without Holdfast nobody passes, and it is said when to come back', async () => {
    const [listen, nothing] = [await freePort(), await freePort()];
    const alone = await start(listen, `http://127.0.0.1:${nothing}`);
    try {
      got = [];
      const answer = await ask(listen, `${proxy}.localhost:${listen}`, '/', PAGE);
      expect([answer.status, answer.headers['retry-after']]).toEqual([503, '5']);
      expect(got).toEqual([]);
    } finally {
      await alone.close();
    }
  });
});
