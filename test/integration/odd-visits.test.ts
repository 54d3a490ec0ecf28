// Through each of the proxies: addresses that are odd but valid lead to the log-in and back to the same bytes; none that is meant to
// lead elsewhere does; and whatever becomes of cookies and proxies, nobody is logged in as somebody else.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { PROXIES, type Proxied, proxied, proxiedWeb } from '../support/proxied.ts';
import { type Recorder, startRecorder } from '../support/recorder.ts';
import { PAGE, SCRIPT } from '../support/wire.ts';
import { type Person, world } from '../support/world.ts';

const { publicUrl, env } = await proxiedWeb();
const whole = await world({ webs: [env] });
let recorder: Recorder;

beforeAll(async () => {
  recorder = await startRecorder();
});
afterAll(() => recorder?.close());

const ODD = [
  '/?',
  '/??',
  '/?a?b=c?d',
  '/a?x=1&x=2',
  '/a?=',
  '/a?&&',
  '//double//slash',
  '/a//b',
  '/a;b=c;d',
  '/;x',
  '/a%2Fb',
  '/a%2fb',
  '/%61%62',
  '/%E2%82%AC?%E2%82%AC=%e2%82%ac',
  '/%C3%A9/%e9',
  '/a+b',
  '/a%20b?c+d%20e',
  '/?q=%2B',
  '/%23x?y=%23',
  '/%3Fnot-a-query',
  '/a%25b',
  '/a%252Fb',
  '/a%5Cb',
  '/a%0D%0AX-Mine:%20b',
  "/~user/(x)!*'$,",
  '/a:b@c',
  '/http://example.org/?x',
  '/a?http://example.org/?x',
  '/a?to=/b',
  '/?to=https://example.org/&to=//example.org',
  '/?ticket=abc&state=def&application=other',
  '/?next=%2Fx&_csrf=y',
  '/.holdfastx/start?to=/',
  '/.well-known/x',
  '/...',
  '/a.b.c/..d',
  '/a?x[]=1&y={"z":2}|^`',
  '/a=b&c',
  '/a?#'.replace('#', '%23'),
  `/${'x'.repeat(3_000)}`,
  `/?q=${'y'.repeat(4_400)}`,
];

/** What `to=` must not lead to. */
const ELSEWHERE = [
  'https://evil.example/',
  '//evil.example/',
  '///evil.example/',
  '/\\evil.example/',
  '\\\\evil.example/',
  '/\t/evil.example/',
  '/\n/evil.example',
  ' //evil.example/',
  '/ /evil.example/',
  '.evil.example/',
  '@evil.example/',
  ':80@evil.example/',
  ':443/',
  'evil.example',
  'https:evil.example',
  'https:/evil.example',
  'javascript:alert(1)',
  'data:text/html,x',
  '/%09/evil.example',
  '/%2F/evil.example',
  '/%5Cevil.example',
  '//evil.example%00.localhost/',
  '/.evil.example/',
  '/@evil.example/',
  '/\r\nLocation: https://evil.example/',
  '/\u2028//evil.example',
  '/\uff0f/evil.example',
  '/。evil.example',
  '?https://evil.example/',
  '#//evil.example',
  '',
];

/** What a visitor may say of the host or of the address, in the place of the proxy. */
const LIES: readonly (readonly string[])[] = [
  ['X-Forwarded-Host: evil.example'],
  ['X-Forwarded-Host: evil.example, evil.example', 'X-Forwarded-Proto: javascript'],
  ['Forwarded: host=evil.example;proto=https'],
  ['X-Host: evil.example', 'X-Forwarded-Server: evil.example', 'X-HTTP-Host-Override: evil.example'],
  ['X-Forwarded-Uri: https://evil.example/', 'X-Forwarded-Method: GET'],
  ['X-Forwarded-Uri: //evil.example/'],
  ['X-Original-URL: //evil.example/', 'X-Rewrite-URL: //evil.example/', 'X-Forwarded-Prefix: //evil.example'],
  ['Holdfasthost: evil.example', 'Holdfasturi: //evil.example/', 'Holdfastmethod: GET'],
  ['Referer: https://evil.example/', 'Origin: https://evil.example'],
];

describe.each(PROXIES)('through %s', (proxy) => {
  let wiki: Proxied;
  let shop: Proxied;
  let person: Person;

  beforeAll(async () => {
    wiki = await proxied({ world: whole, proxy, upstream: recorder.url });
    shop = await proxied({ world: whole, proxy, upstream: recorder.url, name: `shop-${proxy}` });
    person = await whole.newMember();
  }, 240_000); // once it has to be fetched
  beforeEach(() => void recorder.taken());
  afterAll(async () => {
    await wiki?.close();
    await shop?.close();
  });

  const emailSeen = () => recorder.taken().map(({ headers }) => headers['holdfastemail']);

  test('an odd address leads to the log-in and back, and the application gets its bytes', async () => {
    expect(ODD.length).toBeGreaterThan(30);
    for (const path of ODD) {
      const { cookie, location } = await wiki.enter(person, path);
      expect(location).toBe(wiki.url + path);
      const { status } = await wiki.ask(path, { ...PAGE, cookie });
      expect([path, status, recorder.taken().map(({ url }) => url)]).toEqual([path, 200, [path]]);
    }
  });

  test('no `to` leads to another host', async () => {
    for (const to of ELSEWHERE) {
      const begun = await wiki.ask(`/.holdfast/start?to=${encodeURIComponent(to)}`, PAGE);
      const login = new URL(begun.headers.location ?? '');
      expect([to, login.origin, login.pathname]).toEqual([to, publicUrl, '/applications/enter']);
      const { location } = await wiki.follow(person, begun);
      const end = new URL(location ?? '');
      expect([to, end.host, end.username]).toEqual([to, wiki.host, '']);
    }
    // Nor does what somebody writes into the address of the log-in itself.
    for (const to of ELSEWHERE) {
      const begun = await wiki.ask('/.holdfast/start?to=%2F', PAGE);
      const login = new URL(begun.headers.location ?? '');
      login.searchParams.set('to', Buffer.from(to, 'utf8').toString('base64url'));
      const { location } = await wiki.follow(person, { ...begun, headers: { ...begun.headers, location: login.href } });
      expect([to, new URL(location ?? '').host]).toEqual([to, wiki.host]);
    }
  });

  test('no header and no other host leads a page elsewhere than to the registered host', async () => {
    const page = ['Sec-Fetch-Mode: navigate', 'Sec-Fetch-Dest: document', 'Connection: close'];
    const ask = async (line: string, host: string, lies: readonly string[] = []) => {
      const answer = await wiki.raw([`GET ${line} HTTP/1.1`, `Host: ${host}`, ...page, ...lies, '', ''].join('\r\n'));
      const location = /^location: *(.*)\r$/im.exec(answer)?.[1];
      return { status: Number(answer.slice(9, 12)), location };
    };
    for (const lies of LIES) {
      for (const path of ['/', '/.holdfast/start?to=%2F']) {
        const { status, location = '' } = await ask(path, wiki.host, lies);
        expect([lies, status]).toEqual([lies, 302]);
        expect([new URL(wiki.url).host, new URL(publicUrl).host]).toContain(new URL(location).host);
        expect(decodeURIComponent(location)).not.toContain('evil');
      }
    }
    const hosts = [
      'evil.example',
      `evil.example:${wiki.listen}`,
      `${wiki.host}.evil.example`,
      `evil.example@${wiki.host}`,
      '',
    ];
    for (const host of hosts) {
      const { location } = await ask('/', host);
      if (location !== undefined) expect([host, new URL(location).host]).toEqual([host, wiki.host]);
      const begun = await ask('/.holdfast/start?to=%2F', host);
      if (begun.location !== undefined)
        expect([host, new URL(begun.location).host]).toEqual([host, new URL(publicUrl).host]);
    }
    const { location } = await ask('http://evil.example/page', wiki.host);
    if (location !== undefined) expect(new URL(location).host).toBe(wiki.host);
    expect(recorder.taken()).toEqual([]);
  });

  test('a proxy that starts again lets in whoever is in, and nobody else', async () => {
    const { cookie } = await wiki.enter(person);
    await wiki.restart();
    expect((await wiki.ask('/', { ...PAGE, cookie })).status).toBe(200);
    expect(emailSeen()).toEqual([person.email]);
    expect((await wiki.ask('/', PAGE)).status).toBe(302);
    // On the way: begun before the proxy went, ended after it came back.
    const begun = await wiki.ask('/.holdfast/start?to=%2Fx', PAGE);
    await wiki.restart();
    expect((await wiki.follow(person, begun)).location).toBe(`${wiki.url}/x`);
    expect(recorder.taken()).toEqual([]);
  });

  test('a cookie of another application, cut, changed or made up is nobody’s', async () => {
    const [{ cookie }, elsewhere] = [await wiki.enter(person), await shop.enter(person)];
    const [name = '', value = ''] = cookie.split('=');
    const [token = '', signature = ''] = value.split('.');
    const other = elsewhere.cookie.split('=')[1] ?? '';
    const wrong = {
      'of another application': other,
      'with the signature of another': `${token}.${other.split('.')[1]}`,
      'without its end': value.slice(0, -1),
      'without its beginning': value.slice(1),
      'half of it': value.slice(0, 40),
      'the token alone': token,
      'without a signature': `${token}.`,
      'with more at its end': `${value}a`,
      'turned round': `${signature}.${token}`,
      'with a letter changed': value.replace(/^./, (letter) => (letter === 'A' ? 'B' : 'A')),
      'in capitals': value.toUpperCase(),
      encoded: value.replace('.', '%2E'),
      empty: '',
      'of Holdfast itself': 'a'.repeat(43),
      'made up': `${'a'.repeat(43)}.${'b'.repeat(43)}`,
    };
    for (const [how, sent] of Object.entries(wrong)) {
      const page = await wiki.ask('/', { ...PAGE, cookie: `${name}=${sent}` });
      const script = await wiki.ask('/', { ...SCRIPT, cookie: `${name}=${sent}` });
      expect([how, page.status, script.status]).toEqual([how, 302, 401]);
    }
    expect(recorder.taken()).toEqual([]);
  });

  test('doubled cookies: the live one counts; of two people the first, who is one of them', async () => {
    const second = await whole.newMember();
    const [{ cookie }, theirs] = [await wiki.enter(person), await wiki.enter(second)];
    const name = cookie.split('=')[0];
    const made = `${name}=${'a'.repeat(43)}.${'b'.repeat(43)}`;
    for (const sent of [`${cookie}; ${cookie}`, `${made}; ${cookie}`, `${cookie}; ${made}`, `${name}=; ${cookie}`]) {
      expect([sent, (await wiki.ask('/', { ...PAGE, cookie: sent })).status]).toEqual([sent, 200]);
      expect(emailSeen()).toEqual([person.email]);
    }
    for (const [first, then, email] of [
      [cookie, theirs.cookie, person.email],
      [theirs.cookie, cookie, second.email],
    ] as const) {
      expect((await wiki.ask('/', { ...PAGE, cookie: `${first}; ${then}` })).status).toBe(200);
      expect(emailSeen()).toEqual([email]);
    }
    // Whose own has ended is not let in as the other by accident: the other's is as good as alone.
    await person.browser.logOut();
    expect((await wiki.ask('/', { ...SCRIPT, cookie })).status).toBe(401);
    expect(recorder.taken()).toEqual([]);
    await person.browser.logIn(person.email);
  });

  test('a secret or a ticket of another browser lets nobody in', async () => {
    const second = await whole.newMember();
    const [mine, theirs] = [
      await wiki.ask('/.holdfast/start?to=%2F', PAGE),
      await wiki.ask('/.holdfast/start?to=%2F', PAGE),
    ];
    // The link of somebody else's way in, opened by this browser.
    const crossed = { ...theirs, headers: { ...theirs.headers, location: mine.headers.location } };
    const entered = await wiki.follow(second, crossed);
    expect([entered.status, entered.cookie]).toEqual([400, '']);
  });
});
