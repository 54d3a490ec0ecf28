// The check in front of applications, asked as a proxy asks it, and the way of a browser into one: table by table of what is answered
// to whom, by which way of asking, and what it costs.
import { connect } from 'node:net';
import { describe, expect, jest, test } from '@jest/globals';
import { until } from '../../harness/until.ts';
import { NO_ORIGIN } from '../../src/core/audit/events.ts';
import { en } from '../../src/web/texts/en.ts';
import { Browser, PASSWORD } from '../support/app.ts';
import { addApplication as add, addGroup, type Rules, type TestApplication } from '../support/applications.ts';
import { watchSessionReads } from '../support/asked-stores.ts';
import { enrol } from '../support/factors.ts';
import { ask, cookieIn as cookiesIn, PAGE, SCRIPT, type SentHeaders, type WireAnswer } from '../support/wire.ts';
import { type Person, world } from '../support/world.ts';

const PROXIED = { TRUSTED_PROXIES: '127.0.0.1', LANGUAGES: 'en,de' };
const { web, other, worker, sql, redis, newMember, startWeb } = await world({
  webs: [PROXIED, PROXIED],
  worker: true,
  watched: true,
});
const stranger = await startWeb(); // trusts no proxy

/** No process has heard of it when this returns. */
const addApplication = (rules: Rules = {}): Promise<TestApplication> => add(sql, rules);

const COOKIE = '__Host-holdfast-app';

interface Visit {
  readonly method?: string;
  readonly uri?: string;
  readonly headers?: SentHeaders;
  readonly on?: { readonly url: string };
}

function check(application: TestApplication, { method = 'GET', uri = '/', headers = {}, on = web }: Visit = {}) {
  const told = { 'x-forwarded-method': method, 'x-forwarded-uri': uri };
  return ask(`${on.url}/forward-auth/forwarded/${application.slug}`, { ...told, ...headers });
}

const cookieIn = (answer: WireAnswer, name = COOKIE) => cookiesIn(answer, name);

/** The requests of a browser from a page of an application to itself and back, with whoever is logged in at our own host. */
async function enter(person: Person, { slug }: TestApplication, uri = '/') {
  const host = `${slug}.example.org`;
  const start = await ask(`${web.url}/.holdfast/start?to=${encodeURIComponent(uri)}`, { host });
  expect(start.status).toBe(302);
  const state = cookieIn(start, '__Host-holdfast-state');
  const asked = new URL(String(start.headers['location']));
  const given = await person.browser.agent
    .get(asked.pathname + asked.search)
    .set('Sec-Fetch-Site', 'cross-site')
    .redirects(0);
  const location = String(given.headers['location']);
  if (!location.startsWith('https:')) return { given, entered: null, cookie: '', state };
  const back = new URL(location);
  const browser = { 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0' };
  const entered = await ask(`${web.url}${back.pathname}${back.search}`, { host, cookie: state, ...browser });
  return { given, back, entered, cookie: cookieIn(entered), state };
}

describe('whoever is logged in at an application and may be there', () => {
  test('passes by each of the ways, in every process, and the application is told who it is', async () => {
    const person = await newMember();
    const application = await addApplication();
    await addGroup(sql, `readers-${application.slug}`, { userIds: [person.id] });
    const { cookie, entered } = await enter(person, application, '/page?x=1');
    expect(entered?.headers['location']).toBe(`https://${application.slug}.example.org/page?x=1`);
    const host = `${application.slug}.example.org`;
    const forwarded = { cookie, 'x-forwarded-method': 'GET', 'x-forwarded-uri': '/' };
    const nginx = { cookie, holdfastmethod: 'GET', holdfasturi: '/' };
    const ways: [string, SentHeaders][] = [
      [`/forward-auth/forwarded/${application.slug}`, forwarded],
      ['/forward-auth/forwarded', { ...forwarded, 'x-forwarded-host': `${host.toUpperCase()}.:8443` }],
      [`/forward-auth/nginx/${application.slug}?of=the-visitor`, nginx],
      ['/forward-auth/nginx', { ...nginx, holdfasthost: host }],
      [`/forward-auth/envoy/${application.slug}/any/path?q`, { cookie, host }],
      [`/forward-auth/envoy/${application.slug}/any/path`, { cookie, holdfastapplication: application.slug }],
      ['/forward-auth/envoy//any/path', { cookie, host }],
    ];
    for (const { url } of [web, other]) {
      for (const [path, headers] of ways) {
        const { status, headers: told, body } = await ask(url + path, headers);
        expect([path, status, body]).toEqual([path, 200, '']);
        expect(told).toMatchObject({
          holdfastuser: person.id,
          holdfastemail: person.email,
          holdfastgroups: `readers-${application.slug}`,
          holdfastname: person.email,
          'cache-control': 'no-store',
          'content-length': '0',
        });
        expect(Object.keys(told)).toEqual(expect.arrayContaining(['holdfastassertion', 'x-request-id']));
        expect(told).not.toHaveProperty('set-cookie');
        expect(told).not.toHaveProperty('remote-user');
      }
    }
  });

  test('is told by other names too where an operator allows that', async () => {
    const person = await newMember();
    const application = await addApplication({ remoteUser: true });
    const { cookie } = await enter(person, application);
    const { headers } = await check(application, { headers: { cookie } });
    expect(headers).toMatchObject({ 'remote-user': person.email, 'remote-email': person.email, 'remote-groups': '' });
  });

  test('costs one command to Redis and no query', async () => {
    const person = await newMember();
    const application = await addApplication();
    const { cookie } = await enter(person, application);
    expect((await check(application, { headers: { cookie } })).status).toBe(200);
    const reads = watchSessionReads(web.context.redis);
    const queries = jest.spyOn(web.context.sessionTable, 'find');
    const snapshots = jest.spyOn(web.context.database.prisma, '$transaction');
    for (let count = 0; count < 3; count += 1) await check(application, { headers: { cookie } });
    expect(reads.each()).toEqual([1, 1, 1]);
    expect(queries).not.toHaveBeenCalled();
    expect(snapshots).not.toHaveBeenCalled();
    reads.restore();
    for (const spy of [queries, snapshots]) spy.mockRestore();
  });

  test('is known to the application’s scripts', async () => {
    const person = await newMember();
    const application = await addApplication();
    const { cookie } = await enter(person, application);
    const host = `${application.slug}.example.org`;
    const answer = await ask(`${web.url}/.holdfast/session`, { host, cookie });
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.body)).toMatchObject({ user: person.id, email: person.email, groups: [] });
    expect(JSON.parse(answer.body).endsInSeconds).toBeGreaterThan(60);
    const nobody = await ask(`${web.url}/.holdfast/session`, { host, ...PAGE });
    expect([nobody.status, JSON.parse(nobody.body)]).toEqual([401, { error: 'login_required' }]);
  });
});

describe('whoever is not logged in', () => {
  test('is led from a page to the log-in and comes back to exactly that page', async () => {
    const application = await addApplication();
    const person = await newMember();
    const odd = [
      '/',
      '//double//slash',
      '/a%2Fb/..%2f',
      '/?q=a+b%20c&x=%25&&',
      '/.;/x?y=http://evil.example/',
      '/it\'s(fine)*!~$@:;=,[]|{}^`"<>\\',
      '/%FF%00',
      '//evil.example/\\@',
    ];
    for (const uri of odd) {
      const page = await check(application, { uri, headers: PAGE });
      expect(page.status).toBe(302);
      const start = new URL(String(page.headers['location']));
      expect(start.origin).toBe(`https://${application.slug}.example.org`);
      expect(start.searchParams.get('to')).toBe(uri);
      await sql('DELETE FROM application_ticket');
      const { entered } = await enter(person, application, uri);
      expect(entered?.headers['location']).toBe(`https://${application.slug}.example.org${uri}`);
    }
    // What is too long for the way leads to the front page; written for an address, a quote is three characters.
    const long = `/${'"'.repeat(1_499)}`;
    const led = await check(application, { uri: long, headers: PAGE });
    expect(new URL(String(led.headers['location'])).searchParams.get('to')).toBe(long);
    expect(JSON.stringify(led.headers).length).toBeLessThan(6_000);
    for (const uri of ['http://evil.example/', 'evil', '', `${long}"`, `/${'\xe9'.repeat(2_000)}`]) {
      const page = await check(application, { uri, headers: PAGE });
      expect(new URL(String(page.headers['location'])).searchParams.get('to')).toBe('/');
    }
    const raw = await check(application, { uri: '/\xe9', headers: PAGE });
    expect(new URL(String(raw.headers['location'])).searchParams.get('to')).toBe('/%E9');
  });

  test('comes back to the front page where the address is too long for the way', async () => {
    const [application, person] = [await addApplication(), await newMember()];
    for (const uri of [`/${'x'.repeat(6_000)}`, `/?q=${'%2F'.repeat(1_600)}`, `/${'x'.repeat(40_000)}`]) {
      const page = await check(application, { uri, headers: PAGE });
      expect([page.status, String(page.headers['location'])]).toEqual([
        302,
        `https://${application.slug}.example.org/.holdfast/start?to=%2F`,
      ]);
      await sql('DELETE FROM application_ticket');
      const { entered } = await enter(person, application, uri);
      expect(entered?.headers['location']).toBe(`https://${application.slug}.example.org/`);
    }
    // As long as fits it stays.
    const uri = `/${'x'.repeat(4_497)}`;
    await sql('DELETE FROM application_ticket');
    const { entered } = await enter(person, application, uri);
    expect(entered?.headers['location']).toBe(`https://${application.slug}.example.org${uri}`);
  });

  test.each<[string, Visit, number, string]>([
    ['a page', { headers: PAGE }, 302, ''],
    ['a page of an old browser', { headers: { accept: 'text/html,*/*' } }, 302, ''],
    ['a head of a page', { method: 'HEAD', headers: PAGE }, 302, ''],
    ['a form', { method: 'POST', headers: PAGE }, 401, 'This was not sent'],
    ['a form of an old browser', { method: 'POST', headers: { accept: 'text/html' } }, 401, 'This was not sent'],
    ['a script', { headers: SCRIPT }, 401, '{"error":"login_required"}'],
    ['a script that posts', { method: 'POST', headers: SCRIPT }, 401, '{"error":"login_required"}'],
    ['a script of old', { headers: { accept: 'text/html', 'x-requested-with': 'XMLHttpRequest' } }, 401, '{"error'],
    ['an image', { headers: { 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' } }, 401, '{"error'],
    ['a frame', { headers: { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' } }, 401, '{"error'],
    ['a WebSocket', { headers: { upgrade: 'websocket', connection: 'Upgrade' } }, 401, '{"error'],
    ['who knows what', {}, 401, '{"error'],
  ])('%s', async (_what, visit, status, body) => {
    const answer = await check(await addApplication(), visit);
    expect(answer.status).toBe(status);
    expect(answer.body).toContain(body);
    expect(answer.headers['www-authenticate']).toBe('Bearer error="login_required"');
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(answer.headers).not.toHaveProperty('holdfastuser');
  });

  test('nginx is given a 401 with Location in the place of a redirect', async () => {
    const { slug } = await addApplication();
    const answer = await ask(`${web.url}/forward-auth/nginx/${slug}`, {
      holdfastmethod: 'GET',
      holdfasturi: '/x',
      ...PAGE,
    });
    expect(answer.status).toBe(401);
    expect(answer.headers['location']).toBe(`https://${slug}.example.org/.holdfast/start?to=%2Fx`);
  });

  test('in German', async () => {
    const visit = { method: 'POST', headers: { ...PAGE, 'accept-language': 'fr;q=0.9, de-AT, en;q=0.5' } };
    expect((await check(await addApplication(), visit)).body).toContain('Das wurde nicht gesendet');
  });

  test('a preflight passes where the application allows it, and says nothing of anybody', async () => {
    const headers = { origin: 'https://elsewhere.example', 'access-control-request-method': 'PUT' };
    const visit = { method: 'OPTIONS', headers };
    expect((await check(await addApplication(), visit)).status).toBe(401);
    const allowed = await check(await addApplication({ preflight: true }), visit);
    expect([allowed.status, allowed.headers['holdfastuser'], allowed.headers['holdfastassertion']]).toEqual([
      200,
      '',
      '',
    ]);
  });

  test.each([
    ['OPTIONS', 'h2c'],
    ['OPTIONS', 'websocket'],
    ['GET', 'h2c'],
    ['GET', 'websocket, h2c'],
    ['POST', 'websocket'],
    ['CONNECT', ''],
  ])('%s with an upgrade to “%s” passes nowhere: nobody would be asked about what follows', async (method, upgrade) => {
    const application = await addApplication({ preflight: true });
    const { cookie } = await enter(await newMember(), application);
    const headers = { cookie, origin: 'https://elsewhere.example', 'access-control-request-method': 'PUT' };
    const answer = await check(application, { method, headers: { ...headers, ...(upgrade && { upgrade }) } });
    expect([answer.status, answer.headers['holdfastuser']]).toEqual([400, undefined]);
  });

  test('and has no cookie, or one of a bad signature, reaches no store', async () => {
    const application = await addApplication();
    await check(application);
    const reads = watchSessionReads(web.context.redis);
    const queries = jest.spyOn(web.context.sessionTable, 'find');
    await check(application);
    await check(application, { headers: { cookie: `${COOKIE}=${'a'.repeat(43)}.${'b'.repeat(43)}` } });
    expect(reads.each()).toEqual([]);
    expect(queries).not.toHaveBeenCalled();
    reads.restore();
    queries.mockRestore();
  });
});

describe('whose session ends, or may not be there any more', () => {
  const statuses = (application: TestApplication, cookie: string) =>
    Promise.all([web, other].map(async (on) => (await check(application, { on, headers: { cookie } })).status));

  test('logged out, here or there: the next check refuses in every process', async () => {
    const [person, application] = [await newMember(), await addApplication()];
    const { cookie } = await enter(person, application);
    expect(await statuses(application, cookie)).toEqual([200, 200]);
    await person.browser.logOut();
    expect(await statuses(application, cookie)).toEqual([401, 401]);
  });

  test('at another application, with the token of this one', async () => {
    const [person, application, another] = [await newMember(), await addApplication(), await addApplication()];
    const { cookie } = await enter(person, application);
    expect(await statuses(another, cookie)).toEqual([401, 401]);
  });

  test('in an application that is disabled or not registered: 403', async () => {
    const [person, application] = [await newMember(), await addApplication()];
    const { cookie } = await enter(person, application);
    expect(await statuses({ id: '', slug: 'nothing-here' }, cookie)).toEqual([403, 403]);
    await web.context.applications.setDisabled(application.id, true, { actor: null, origin: NO_ORIGIN });
    await until(async () => (await statuses(application, cookie)).every((status) => status === 403));
    const page = await check(application, { headers: { cookie, ...PAGE } });
    expect([page.status, page.headers['content-type']]).toEqual([403, 'text/html; charset=utf-8']);
  });

  test('having logged in too long ago for it: as if not logged in, and it is said why', async () => {
    const [person, application] = [await newMember(), await addApplication({ recentLoginSeconds: 600 })];
    const { cookie } = await enter(person, application);
    expect(await statuses(application, cookie)).toEqual([200, 200]);
    await sql('UPDATE application SET recent_login_seconds = 1 WHERE id = $1', [application.id]);
    await sql('UPDATE application_version SET version = version + 1');
    await until(async () => (await statuses(application, cookie)).every((status) => status === 401));
    const answer = await check(application, { headers: { cookie, ...SCRIPT } });
    expect(answer.headers['www-authenticate']).toBe('Bearer error="insufficient_user_authentication", max_age=1');
    const { given } = await enter(person, application);
    expect(given.headers['location']).toMatch(/^\/confirm\?next=%2Fapplications%2Fenter/);
  });

  test('groups that change while somebody is inside are told from the next second on', async () => {
    const [person, application] = [await newMember(), await addApplication()];
    const { cookie } = await enter(person, application);
    const groups = async (on = web) =>
      (await check(application, { on, headers: { cookie } })).headers['holdfastgroups'];
    expect(await groups()).toBe('');
    await addGroup(sql, `late-${application.slug}`, { userIds: [person.id] });
    for (const on of [web, other]) await until(async () => (await groups(on)) === `late-${application.slug}`);
  });
});

describe('the check', () => {
  test('is there for trusted proxies alone', async () => {
    const application = await addApplication();
    const warn = jest.spyOn(stranger.context.log, 'warn');
    const answer = await check(application, { on: stranger, headers: PAGE });
    expect([answer.status, answer.body, answer.headers['location']]).toEqual([404, '', undefined]);
    // Its proxy says 503: the log says why, once.
    await check(application, { on: stranger, headers: PAGE });
    const asker = expect.stringContaining('127.0.0.1');
    expect(warn.mock.calls).toEqual([[{ asker }, expect.stringContaining('TRUSTED_PROXIES')]]);
    warn.mockRestore();
    expect((await ask(`${web.url}/forward-auth/unknown/${application.slug}`)).status).toBe(404);
  });

  describe('asked by a path that a visitor has written', () => {
    /** Whoever is inside one application asks for another, as its Envoy would ask for them. */
    async function insideOne() {
      const [person, open, closed] = [
        await newMember(),
        await addApplication({ preflight: true }),
        await addApplication({ everybody: false }),
      ];
      const { cookie } = await enter(person, open);
      const asEnvoy = (path: string, headers: SentHeaders = {}, method = 'GET') =>
        ask(web.url + path, { host: `${closed.slug}.example.org`, cookie, ...headers }, method);
      return { open, closed, asEnvoy };
    }

    test.each([
      '/../OPEN/',
      '/a/../../OPEN/',
      '/./x',
      '/..',
      '/%2e%2e/OPEN/',
      '/%2E./OPEN/',
      '/..%2fOPEN/',
      '/..%2FOPEN%2f',
      '/..%5cOPEN/',
      '/..\\OPEN/',
      '/%252e%252e/OPEN/',
      '/%25252e%25252e%25252fOPEN/',
      '/..;/OPEN/',
      '/..;x=y/OPEN/',
      '/%2e%2e%3bx/OPEN/',
      '/x/..%2f..%2f..%2f..%2f.holdfast/session',
    ])('refuses %s, which another proxy may read as another path', async (rest) => {
      const { open, closed, asEnvoy } = await insideOne();
      for (const slug of [closed.slug, open.slug]) {
        const answer = await asEnvoy(`/forward-auth/envoy/${slug}${rest.replace('OPEN', open.slug)}`, {
          host: `${slug}.example.org`,
        });
        expect([answer.status, answer.headers['holdfastassertion']]).toEqual([400, undefined]);
      }
    });

    test('takes dots that are no segment of their own, and whatever stands in the query', async () => {
      const { open, asEnvoy } = await insideOne();
      const host = `${open.slug}.example.org`;
      for (const rest of ['/...', '/.git/x', '/a..b/..c', '/x?y=/../z', '/x?%2e%2e/', '/100%', '/%2', '/a%2Fb'])
        expect((await asEnvoy(`/forward-auth/envoy/${open.slug}${rest}`, { host })).status).toBe(200);
    });

    test('believes of the path no other application than the one that its proxy or the host names', async () => {
      const { open, closed, asEnvoy } = await insideOne();
      // The proxy's setting lacks its last slash, so the first segment is the visitor's.
      const preflight = { origin: 'https://x.example', 'access-control-request-method': 'PUT' };
      for (const headers of [{}, { host: 'elsewhere.example.org' }, { holdfastapplication: closed.slug }]) {
        expect((await asEnvoy(`/forward-auth/envoy/${open.slug}/`, headers)).status).toBe(403);
        const asked = { ...preflight, ...headers };
        expect((await asEnvoy(`/forward-auth/envoy/${open.slug}/`, asked, 'OPTIONS')).status).toBe(403);
      }
    });

    test('lets nobody pass by a page of ours that a proxy between has made of the path', async () => {
      const { closed, asEnvoy } = await insideOne();
      for (const path of ['/healthz', '/', '/login', '/.holdfast/session', '/forward-auth/forwarded/x'])
        expect([403, 404]).toContain((await asEnvoy(path, { holdfastapplication: closed.slug })).status);
    });
  });

  test.each([
    [
      'a body that never comes',
      'POST /forward-auth/envoy/SLUG/ HTTP/1.1\r\nHost: SLUG.example.org\r\nContent-Length: 1000\r\n\r\n',
      true,
    ],
    [
      'a body in pieces',
      'POST /forward-auth/envoy/SLUG/ HTTP/1.1\r\nHost: SLUG.example.org\r\nTransfer-Encoding: chunked\r\n\r\n',
      true,
    ],
    [
      'one that waits to be told',
      'POST /forward-auth/envoy/SLUG/ HTTP/1.1\r\nHost: SLUG.example.org\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n',
      true,
    ],
    [
      'an upgrade',
      'GET /forward-auth/envoy/SLUG/ HTTP/1.1\r\nHost: SLUG.example.org\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
      false,
    ],
    ['HTTP/1.0', 'GET /forward-auth/envoy/SLUG/ HTTP/1.0\r\nHost: SLUG.example.org\r\n\r\n', true],
    [
      '48 KiB of headers',
      `GET /forward-auth/envoy/SLUG/ HTTP/1.1\r\nHost: SLUG.example.org\r\nX: ${'x'.repeat(48_000)}\r\n\r\n`,
      false,
    ],
    ['a method of its own', 'PURGE /forward-auth/envoy/SLUG/ HTTP/1.1\r\nHost: SLUG.example.org\r\n\r\n', false],
  ])('answers at once: %s', async (_what, text, closes) => {
    const { slug } = await addApplication();
    const { port } = new URL(web.url);
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = connect(Number(port), '127.0.0.1', () => socket.write(text.replaceAll('SLUG', slug)));
      let said = '';
      socket.on('data', (bytes) => {
        said += bytes.toString();
        if (said.includes('\r\n\r\n{"error"')) socket.destroy();
      });
      socket.on('close', () => resolve(said)).on('error', reject);
    });
    expect(answer.split('\r\n')[0]).toBe('HTTP/1.1 401 Unauthorized');
    expect(/^connection: close/im.test(answer)).toBe(closes);
  });

  test('is counted by its way, and its line in the log says nothing of what the visitor asked for', async () => {
    const before = await web.context.metrics.registry.metrics();
    await check(await addApplication(), { uri: '/secret' });
    await until(async () => {
      const after = await web.context.metrics.registry.metrics();
      return after !== before && after.includes('route="/forward-auth/:family"');
    });
  });
});

describe('entering', () => {
  test('without a log-in leads to it, and comes back', async () => {
    const application = await addApplication();
    const start = await ask(`${web.url}/.holdfast/start?to=%2Fx`, { host: `${application.slug}.example.org` });
    const asked = new URL(String(start.headers['location']));
    const answer = await ask(web.url + asked.pathname + asked.search);
    expect(answer.status).toBe(303);
    expect(String(answer.headers['location'])).toBe(`/login?next=${encodeURIComponent(asked.pathname + asked.search)}`);
  });

  test('is still announced where the second factor is asked for', async () => {
    const [person, application] = [await newMember(), await addApplication()];
    await enrol(person.browser);
    const next = `/applications/enter?application=${application.slug}&state=x&to=y`;
    const [row] = await sql<{ name: string }>('SELECT name FROM application WHERE id = $1', [application.id]);
    const browser = new Browser(web.url);
    for (const [fields, says] of [
      [{ next }, true],
      [{}, false],
    ] as const) {
      const answer = await browser.logIn(person.email, PASSWORD, fields);
      expect(answer.headers['location']).toBe('/login/second-factor');
      const { text } = await browser.get('/login/second-factor');
      expect(text.includes(`You then go on to ${row?.name}.`)).toBe(says);
    }
  });

  test('is announced by the page to log in, to make an account, or to prove who one is', async () => {
    const [person, application] = [await newMember(), await addApplication({ recentLoginSeconds: 60 })];
    const [row] = await sql<{ name: string }>('SELECT name FROM application WHERE id = $1', [application.id]);
    const next = (slug: string) => encodeURIComponent(`/applications/enter?application=${slug}&state=x&to=y`);
    for (const page of ['login', 'register']) {
      expect((await ask(`${web.url}/${page}?next=${next(application.slug)}`)).body).toContain(
        `You then go on to ${row?.name}.`,
      );
      for (const other of [next('nothing-here'), '%2Fapplications%2Fenter', '%2Fprofile', next('<b>')]) {
        expect((await ask(`${web.url}/${page}?next=${other}`)).body).not.toContain('You then go on');
      }
    }
    const { text } = await person.browser.get(`/confirm?next=${next(application.slug)}`);
    expect(text).toContain('You want to open an application that asks for a recent log-in.');
    expect(text).toContain('href="/applications"'); // and not to where it is asked for again
  });

  test('from a form of ours goes on by a page: a form leads to no other host', async () => {
    const [person, application] = [await newMember(), await addApplication()];
    const start = await ask(`${web.url}/.holdfast/start?to=%2Fx`, { host: `${application.slug}.example.org` });
    const asked = new URL(String(start.headers['location']));
    const page = await person.browser.agent.get(asked.pathname + asked.search).set('Sec-Fetch-Site', 'same-origin');
    expect(page.status).toBe(200);
    expect(page.headers['refresh']).toMatch(/^0; url=https:\/\/app-\d+\.example\.org\/\.holdfast\/enter\?ticket=/);
  });

  test('is refused who may not, with an event that names the application', async () => {
    const [person, application] = [await newMember(), await addApplication({ everybody: false })];
    const { given } = await enter(person, application);
    expect(given.status).toBe(403);
    expect(given.text).toContain(`You may not enter Application ${application.slug.slice('app-'.length)}`);
    await worker.sealing.seal();
    const [event] = await sql<{ detail: unknown }>(
      `SELECT detail FROM audit_event WHERE type = 'authz_fail' AND actor_id = $1`,
      [person.id],
    );
    expect(event?.detail).toMatchObject({ application: application.slug, reason: 'not_allowed' });
  });

  test('wants a second factor where the application does', async () => {
    const [person, application] = [await newMember(), await addApplication({ secondFactor: true })];
    const { given } = await enter(person, application);
    expect(given.headers['location']).toMatch(/^\/account\/security\?next=%2Fapplications%2Fenter/);
    const { text } = await person.browser.get(String(given.headers['location']));
    const why = en.security.requiredBy(application.slug.replace('app-', 'Application '));
    expect(text).toContain(why);
    expect((await person.browser.get('/account/security')).text).not.toContain('needs a second factor');
  });

  test('takes a ticket once, within a minute, of this application and this browser', async () => {
    const [person, application, another] = [await newMember(), await addApplication(), await addApplication()];
    const start = async () => {
      const begun = await ask(`${web.url}/.holdfast/start?to=%2Fx`, { host: `${application.slug}.example.org` });
      const { pathname, search } = new URL(String(begun.headers['location']));
      const given = await person.browser.agent
        .get(pathname + search)
        .set('Sec-Fetch-Site', 'same-site')
        .redirects(0);
      const ticket = new URL(String(given.headers['location'])).search;
      return { ticket, cookie: cookieIn(begun, '__Host-holdfast-state') };
    };
    const enterWith = (ticket: string, cookie: string, slug = application.slug) =>
      ask(`${web.url}/.holdfast/enter${ticket}`, { host: `${slug}.example.org`, cookie });
    const [mine, theirs] = [await start(), await start()];
    for (const wrong of [
      await enterWith(mine.ticket, theirs.cookie),
      await enterWith(mine.ticket, ''),
      await enterWith(mine.ticket, mine.cookie, another.slug),
    ]) {
      expect([wrong.status, cookieIn(wrong)]).toEqual([400, '']);
    }
    const entered = await enterWith(mine.ticket, mine.cookie);
    expect(entered.status).toBe(302);
    expect(entered.headers['set-cookie']).toEqual([
      expect.stringMatching(/^__Host-holdfast-app=[\w-]{43}\.[\w-]{43}; path=\/; samesite=lax; secure; httponly$/i),
    ]);
    expect((await enterWith(mine.ticket, mine.cookie)).status).toBe(400);
    // The page is loaded again, with the cookie that it gave.
    const again = await enterWith(mine.ticket, `${mine.cookie}; ${cookieIn(entered)}`);
    expect([again.status, again.headers['location']]).toEqual([302, `https://${application.slug}.example.org/x`]);
    await sql(`UPDATE application_ticket SET expires_at = clock_timestamp() - interval '1 second'`);
    expect((await enterWith(theirs.ticket, theirs.cookie)).status).toBe(400);
  });

  test('gives a cookie that goes along in frames only where an operator has allowed some', async () => {
    const [person, application] = [
      await newMember(),
      await addApplication({ framedBy: ['https://portal.example.org'] }),
    ];
    const { entered } = await enter(person, application);
    expect(entered?.headers['set-cookie']).toEqual([
      expect.stringMatching(/^__Host-holdfast-app=[^;]+; path=\/; samesite=none; secure; httponly; partitioned$/i),
    ]);
  });

  test('is judged again when the ticket is used', async () => {
    const [person, application] = [await newMember(), await addApplication()];
    const host = `${application.slug}.example.org`;
    const begun = await ask(`${web.url}/.holdfast/start?to=%2Fx`, { host });
    const { pathname, search } = new URL(String(begun.headers['location']));
    const given = await person.browser.agent
      .get(pathname + search)
      .set('Sec-Fetch-Site', 'same-site')
      .redirects(0);
    await person.browser.logOut();
    const { search: ticket } = new URL(String(given.headers['location']));
    const cookie = cookieIn(begun, '__Host-holdfast-state');
    const answer = await ask(`${web.url}/.holdfast/enter${ticket}`, { host, cookie });
    expect([answer.status, cookieIn(answer)]).toEqual([302, '']);
    expect(answer.headers['location']).toContain('/.holdfast/start?to=');
  });

  test('five times within half a minute is a loop, and a page says why', async () => {
    const [person, application] = [await newMember(), await addApplication()];
    for (let count = 0; count < 4; count += 1) expect((await enter(person, application)).given.status).toBe(303);
    const { given } = await enter(person, application);
    expect(given.status).toBe(429);
    expect(given.text).toContain('does not keep you logged in');
    expect((await enter(person, await addApplication())).given.status).toBe(303);
  });
});

test('nobody else’s page makes a loop of it: what leads to no entry does not count', async () => {
  const [person, application] = [await newMember(), await addApplication()];
  for (let count = 0; count < 9; count += 1) {
    const state = String(count).padStart(43, 's');
    const given = await person.browser.agent
      .get(`/applications/enter?application=${application.slug}&state=${state}&to=`)
      .set('Sec-Fetch-Site', 'cross-site')
      .redirects(0);
    expect(given.status).toBe(303);
  }
  expect((await enter(person, application)).entered?.status).toBe(302);
});

describe('on the application’s host', () => {
  test('no other path, and on no other host', async () => {
    const { slug } = await addApplication();
    for (const name of ['else', 'constructor', '__proto__', '', 'start/'])
      expect((await ask(`${web.url}/.holdfast/${name}`, { host: `${slug}.example.org` })).status).toBe(404);
    expect((await ask(`${web.url}/.holdfast/start`, { host: 'elsewhere.example.org' })).status).toBe(404);
    const wrong = await ask(`${web.url}/.holdfast/start`, { host: `${slug}.example.org` }, 'POST');
    expect([wrong.status, wrong.headers['allow']]).toEqual([405, 'GET']);
    // Whoever only looks uses no ticket up.
    expect((await ask(`${web.url}/.holdfast/enter`, { host: `${slug}.example.org` }, 'HEAD')).status).toBe(405);
  });

  test('a proxy shows what was not sent, by whatever method', async () => {
    const host = `${(await addApplication()).slug}.example.org`;
    const page = await ask(`${web.url}/.holdfast/unsent`, { host, ...PAGE }, 'POST', 'a=b');
    expect([page.status, page.body]).toEqual([401, expect.stringContaining('This was not sent')]);
    const script = await ask(`${web.url}/.holdfast/unsent`, { host, ...SCRIPT });
    expect([script.status, script.body]).toEqual([401, '{"error":"login_required"}']);
    expect((await ask(`${web.url}/.holdfast/refused`, { host, ...PAGE })).status).toBe(403);
  });

  test('logging out ends it there, or everywhere, and takes no other site’s word', async () => {
    const [person, application, another] = [await newMember(), await addApplication(), await addApplication()];
    const { cookie } = await enter(person, application);
    const beside = await enter(person, another);
    const host = `${application.slug}.example.org`;
    const page = await ask(`${web.url}/.holdfast/logout`, { host, cookie });
    expect(page.body).toContain('value="everywhere"');
    const type = { 'content-type': 'application/x-www-form-urlencoded' };
    const post = (scope: string, origin = `https://${host}`) =>
      ask(`${web.url}/.holdfast/logout`, { host, cookie, origin, ...type }, 'POST', `scope=${scope}`);
    expect((await post('here', 'https://evil.example.org')).status).toBe(403);
    expect((await check(application, { headers: { cookie } })).status).toBe(200);
    expect((await post('here')).status).toBe(200);
    expect((await check(application, { headers: { cookie } })).status).toBe(401);
    expect((await check(another, { headers: { cookie: beside.cookie } })).status).toBe(200);
    const again = await enter(person, application);
    const everywhere = { host, cookie: again.cookie, origin: `https://${host}`, ...type };
    expect((await ask(`${web.url}/.holdfast/logout`, everywhere, 'POST', 'scope=everywhere')).status).toBe(200);
    expect((await check(another, { on: other, headers: { cookie: beside.cookie } })).status).toBe(401);
    expect(await person.browser.profile()).toBe(303);
  });
});

test('a person sees what they may open and where they are logged in, and ends one', async () => {
  const [person, open, closed] = [
    await newMember(),
    await addApplication(),
    await addApplication({ everybody: false }),
  ];
  const { cookie } = await enter(person, open);
  const page = await person.browser.get('/applications');
  expect(page.text).toContain(`${open.slug}.example.org`);
  expect(page.text).not.toContain(`${closed.slug}.example.org`);
  expect(page.text).toContain('<bdi>Firefox on Linux</bdi>');
  const sessions = await person.browser.get('/account/sessions');
  expect(sessions.text).toMatch(/Logged in from here to Application \d+/);
  expect(sessions.text.match(/id="session-/g)).toHaveLength(1);
  const [action = ''] = /\/applications\/sessions\/[\w-]+\/end/.exec(page.text) ?? [];
  expect((await person.browser.submit(action, {}, '/applications')).status).toBe(303);
  expect((await check(open, { on: other, headers: { cookie } })).status).toBe(401);
  expect(await person.browser.profile()).toBe(200);
});

test('an emptied Redis changes nothing for those inside', async () => {
  const [person, application] = [await newMember(), await addApplication()];
  const { cookie } = await enter(person, application);
  await redis.flushdb();
  for (const on of [web, other]) expect((await check(application, { on, headers: { cookie } })).status).toBe(200);
});

test('a count of changes that PostgreSQL never had is put right, and costs no query from then on', async () => {
  const [person, application] = [await newMember(), await addApplication()];
  const { cookie } = await enter(person, application);
  await redis.set('hf:applications', '999999');
  expect((await check(application, { headers: { cookie } })).status).toBe(200);
  const [row] = await sql<{ version: string }>('SELECT version FROM application_version');
  await until(() => web.context.sessionCache.registry.newest() === Number(row?.version));
  await until(async () => (await redis.get('hf:applications')) === row?.version);
  expect((await check(application, { headers: { cookie } })).status).toBe(200);
  const snapshots = jest.spyOn(web.context.database.prisma, '$transaction');
  expect((await check(application, { headers: { cookie } })).status).toBe(200);
  expect(snapshots).not.toHaveBeenCalled();
  snapshots.mockRestore();
});
