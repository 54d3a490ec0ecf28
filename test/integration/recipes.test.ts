// The recipes, run by the proxies that they are for: who may pass does, and nobody else; what is not sent is said; and the
// application hears from the proxy alone who it is.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { until } from '../../harness/until.ts';
import { NO_ORIGIN } from '../../src/core/audit/events.ts';
import { en } from '../../src/web/texts/en.ts';
import { PROXIES, type Proxied, proxied, proxiedWeb } from '../support/proxied.ts';
import { type Recorder, startRecorder } from '../support/recorder.ts';
import { PAGE, SCRIPT, type SentHeaders } from '../support/wire.ts';
import { type Person, world } from '../support/world.ts';

const whole = await world({ webs: [(await proxiedWeb()).env] });
const { web, newMember } = whole;
let recorder: Recorder;

beforeAll(async () => {
  recorder = await startRecorder();
});
afterAll(() => recorder?.close());

/** The first line of the answer to a WebSocket's handshake. */
async function handshake({ raw, host }: Proxied, headers: SentHeaders): Promise<string> {
  const upgrade = { Upgrade: 'websocket', Connection: 'Upgrade', 'Sec-WebSocket-Version': '13' };
  const fields = Object.entries({ ...headers, ...upgrade, 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==' });
  const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`);
  return (await raw(`GET /socket HTTP/1.1\r\nHost: ${host}\r\n${lines.join('')}\r\n`)).split('\r\n')[0] ?? '';
}

describe.each(PROXIES)('%s', (proxy) => {
  let wiki: Proxied;
  let person: Person;

  beforeAll(async () => {
    wiki = await proxied({ world: whole, proxy, upstream: recorder.url });
    person = await newMember();
  }, 240_000); // once it has to be fetched
  beforeEach(() => void recorder.taken());

  afterAll(() => wiki?.close());

  test('a page leads to the log-in and back to exactly that page, and the application hears who it is', async () => {
    const path = '/a%2Fb/c;d?x=1&y=a+b%20c&z=%25&&q=/../';
    const { cookie, location } = await wiki.enter(person, path);
    expect(location).toBe(`${wiki.url}${path}`);
    const forged = { HoldfastUser: 'somebody else', HoldfastGroups: 'admins', 'Remote-User': 'root' };
    const answer = await wiki.ask(path, { ...PAGE, ...forged, cookie });
    expect([answer.status, answer.body]).toEqual([200, 'the application']);
    const got = recorder.taken();
    expect(got).toHaveLength(1);
    expect(got[0]).toMatchObject({ url: path, headers: { holdfastuser: person.id, holdfastemail: person.email } });
    expect(got[0]?.headers['holdfastgroups'] ?? '').toBe('');
    expect(got[0]?.headers).not.toHaveProperty('remote-user');
    expect(JSON.stringify(got)).not.toMatch(/somebody else|admins|\{http/);
  });

  test('an address that is too long for the way leads to the log-in and to the front page, not to an error', async () => {
    for (const path of [`/${'x'.repeat(7_000)}`, `/?q=${'%2F'.repeat(2_300)}`])
      expect((await wiki.enter(person, path)).location).toBe(`${wiki.url}/`);
  });

  test('no header of a visitor’s counts, however it is spelled', async () => {
    const { cookie } = await wiki.enter(person);
    const told = ['user', 'email', 'groups', 'name'];
    const names = [
      ...[...told, 'assertion'].flatMap((name) => [`holdfast${name}`, `HOLDFAST${name.toUpperCase()}`]),
      ...['-', '_', '.'].flatMap((by) =>
        told.flatMap((name) => [`remote${by}${name}`, `Remote${by}${name}`, `REMOTE${by}${name.toUpperCase()}`]),
      ),
    ];
    for (const name of names) {
      const answer = await wiki.ask('/', { ...PAGE, [name]: 'somebody else', cookie });
      const got = recorder.taken();
      // A proxy may also refuse the request.
      if (answer.status === 200) expect([name, got.length]).toEqual([name, 1]);
      expect([name, JSON.stringify(got)]).toEqual([name, expect.not.stringContaining('somebody else')]);
    }
  });

  test('a path that leads the proxy to the pages of the log-in asks no check', async () => {
    const { cookie } = await wiki.enter(person);
    for (const rest of ['..%2f..%2f..%2f', '../../../', '%2e%2e/%2e%2e/%2e%2e/', '..%5c..%5c..%5c']) {
      for (const family of ['envoy', 'forwarded', 'nginx']) {
        const path = `/forward-auth/${family}/${wiki.application.slug}/${rest}.holdfast/session`;
        const { headers } = await wiki.ask(path, { ...SCRIPT, cookie, 'x-forwarded-uri': '/', holdfasturi: '/' });
        expect([path, headers['holdfastassertion'], headers['holdfastuser']]).toEqual([path, undefined, undefined]);
      }
    }
  });

  test('an application that wants Remote-User gets it, and no other', async () => {
    const { cookie } = await wiki.enter(person);
    const forged = { 'remote-user': 'root', remote_name: 'root' };
    expect((await wiki.withRemoteUser('/', { ...PAGE, ...forged, cookie })).status).toBe(200);
    const got = recorder.taken();
    const told = got[0]?.headers ?? {};
    const { email } = person;
    expect(told).toMatchObject({ 'remote-user': email, 'remote-email': email, 'remote-name': email });
    expect(told['remote-groups'] ?? '').toBe('');
    expect(JSON.stringify(got)).not.toContain('root');
  });

  test('a form gets through with what it sends; without a session it says that it was not sent', async () => {
    const { cookie } = await wiki.enter(person);
    const type = { 'content-type': 'application/x-www-form-urlencoded' };
    const sent = await wiki.ask('/form', { ...PAGE, ...type, cookie }, 'POST', 'a=b'.repeat(10_000));
    expect([sent.status, recorder.taken().map(({ method, body }) => [method, body.length])]).toEqual([
      200,
      [['POST', 30_000]],
    ]);
    const unsent = await wiki.ask('/form', { ...PAGE, ...type }, 'POST', 'a=b'.repeat(10_000));
    expect([unsent.status, unsent.headers.location]).toEqual([401, undefined]);
    expect(unsent.body).toContain('This was not sent');
    expect(recorder.taken()).toEqual([]);
  });

  test('a script is told that nobody is logged in', async () => {
    const answer = await wiki.ask('/api', SCRIPT);
    expect([answer.status, answer.body]).toEqual([401, '{"error":"login_required"}']);
    expect(answer.headers['www-authenticate']).toBe('Bearer error="login_required"');
    expect(recorder.taken()).toEqual([]);
  });

  test('a WebSocket is let through at its handshake, or refused there', async () => {
    const { cookie } = await wiki.enter(person);
    expect(await handshake(wiki, { ...SCRIPT, cookie })).toMatch(/^HTTP\/1\.1 101 /);
    const got = recorder.taken();
    expect(got.map(({ method, headers }) => [method, headers['holdfastuser']])).toEqual([['upgrade', person.id]]);
    expect(await handshake(wiki, SCRIPT)).toMatch(/^HTTP\/1\.1 401 /);
    expect(recorder.taken()).toEqual([]);
  });

  test('a connection becomes a WebSocket and nothing else: nobody would check what follows on it', async () => {
    const { cookie } = await wiki.enter(person);
    const send = (start: string, ...lines: string[]) => {
      const head = [`${start} HTTP/1.1`, `Host: ${wiki.host}`, 'Sec-Fetch-Mode: cors', `Cookie: ${cookie}`, ...lines];
      return wiki.raw(`${head.join('\r\n')}\r\n\r\n`);
    };
    for (const [start, ...upgrades] of [
      ['GET /', 'h2c'],
      ['GET /', 'H2C'],
      ['GET /', 'websocket, h2c'],
      ['GET /', 'h2c', 'websocket'],
      ['GET /', 'websocket', 'h2c'],
      ['GET /', 'TLS/1.2'],
      ['OPTIONS /', 'websocket'],
      ['POST /', 'h2c'],
    ] as const) {
      const lines = upgrades.map((upgrade) => `Upgrade: ${upgrade}`);
      const as = ['HTTP2-Settings: AAMAAABkAAQAAP__', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='];
      await send(start, ...lines, 'Connection: Upgrade, HTTP2-Settings', ...as);
      const [got] = recorder.taken();
      const became = got && [got.method, got.headers.upgrade];
      const asWebSocket = start === 'GET /' && upgrades.join().includes('websocket') ? ['upgrade', 'websocket'] : [];
      const asUsual = [start.split(' ')[0], undefined];
      expect([asWebSocket, asUsual].map((one) => [start, upgrades, one])).toContainEqual([start, upgrades, became]);
    }
    expect(await send(`CONNECT ${wiki.host}`)).toMatch(/^HTTP\/1\.1 40[05] /);
    expect(recorder.taken()).toEqual([]);
  });

  test('the application hears of no host but its own', async () => {
    const { cookie } = await wiki.enter(person);
    const send = (start: string, host: string, ...lines: string[]) => {
      const head = [`GET ${start} HTTP/1.1`, `Host: ${host}`, 'Sec-Fetch-Mode: cors', `Cookie: ${cookie}`, ...lines];
      return wiki.raw(`${head.join('\r\n')}\r\n\r\n`);
    };
    const elsewhere = 'elsewhere.example.org';
    expect(await send('/', wiki.host, `X-Forwarded-Host: ${elsewhere}`)).toMatch(/^HTTP\/1\.1 200 /);
    await send('/', elsewhere); // which a proxy may refuse, as the next
    await send(`http://${wiki.host}/`, elsewhere);
    const got = recorder.taken();
    expect(got.map(({ headers }) => [headers.host, headers['x-forwarded-host']])).toEqual(
      got.map(() => [wiki.host, wiki.host]),
    );
    expect(JSON.stringify(got)).not.toContain(elsewhere);
  });

  test('whoever logs out, there or here, is out at the next request', async () => {
    const { cookie } = await wiki.enter(person);
    expect((await wiki.ask('/', { ...SCRIPT, cookie })).status).toBe(200);
    const form = { cookie, origin: wiki.url, 'content-type': 'application/x-www-form-urlencoded' };
    expect((await wiki.ask('/.holdfast/logout', form, 'POST', 'scope=here')).status).toBe(200);
    expect((await wiki.ask('/', { ...SCRIPT, cookie })).status).toBe(401);
    const again = await wiki.enter(person);
    await person.browser.logOut();
    expect((await wiki.ask('/', { ...SCRIPT, cookie: again.cookie })).status).toBe(401);
    await person.browser.logIn(person.email);
  });

  test('an application that is turned off answers 403', async () => {
    const { cookie } = await wiki.enter(person);
    const by = { actor: null, origin: NO_ORIGIN };
    await web.context.applications.setDisabled(wiki.application.id, true, by);
    await until(async () => (await wiki.ask('/', { ...SCRIPT, cookie })).status === 403);
    const page = await wiki.ask('/', { ...PAGE, cookie });
    expect([page.status, page.headers['content-type']]).toEqual([403, 'text/html; charset=utf-8']);
    expect(page.body).toContain(en.applications.refused.disabled);
    await web.context.applications.setDisabled(wiki.application.id, false, by);
    await until(async () => (await wiki.ask('/', SCRIPT)).status === 401);
  });

  test('a name in the check that is no application’s is said, as to whoever mistyped it', async () => {
    const answer = await wiki.misnamed('/', PAGE);
    expect([answer.status, answer.body]).toEqual([403, expect.stringContaining(en.applications.refused.unknown)]);
  });

  test('an application that is down is not taken for Holdfast', async () => {
    const { cookie } = await wiki.enter(person);
    const answer = await wiki.withoutApplication('/', { ...PAGE, cookie });
    expect(answer.status).toBe(proxy === 'haproxy' ? 503 : 502);
    expect(answer.body).not.toMatch(/log-in service/);
  });

  test('without Holdfast nobody passes, and it is said when to come back', async () => {
    const answer = await wiki.alone('/', PAGE);
    expect([answer.status, answer.headers['retry-after']]).toEqual([503, '5']);
    expect([answer.headers['content-type'], answer.body]).toEqual([
      'text/plain',
      "The log-in service can't be reached right now. Nobody is logged out by this: try again shortly.",
    ]);
    expect(recorder.taken()).toEqual([]);
  });
});
