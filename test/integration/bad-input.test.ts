// What a server on the internet is sent: bodies, forms and cookies of every broken and hostile kind. Each is refused with a
// page of ours that tells nothing, and without a session.
import { connect } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { type Answer, expectErrorPage, expectNoSession, openForm, rawAt } from '../support/answers.ts';
import { PASSWORD } from '../support/app.ts';
import { askedWorld, FORM, form, PUBLIC_HOST } from '../support/asked-world.ts';
import { fieldValue } from '../support/page.ts';

const { opened, visitor, member, ask, post, login } = await askedWorld();
const { web, other: production } = opened;

/** The form once more, with the address that was typed and without the password; nobody was logged in. */
function expectShownAgain(answer: Answer): void {
  expect(answer.status).toBe(403);
  expect(answer.text).toContain('This form was open for too long');
  expect(fieldValue(answer.text, 'email')).toBe('a@example.org');
  expect(answer.text).not.toContain(PASSWORD);
  expectNoSession(answer);
}

describe('a body', () => {
  test('that is a good form is taken: the answers below are not everybody’s', async () => {
    expect((await post('/login', login())).status).toBe(401);
  });

  test.each([
    ['of 10 MB', 10 * 1024 * 1024],
    ['of a byte more than 16 KiB', 16 * 1_024 + 1],
  ])('%s: 413', async (_, bytes) => {
    const start = login();
    const answer = await post('/login', `${start}&x=${'a'.repeat(bytes - start.length - 3)}`);
    expectErrorPage(answer, 413);
    expect(answer.headers.get('connection')).toBe('close');
  });

  test('of 16 KiB is taken', async () => {
    const start = login();
    expect((await post('/login', `${start}&x=${'a'.repeat(16 * 1_024 - start.length - 3)}`)).status).toBe(401);
  });

  test('that grows without having said how large it is: 413', async () => {
    const chunk = new Uint8Array(8_192).fill(97);
    let sent = 0;
    const endless = new ReadableStream({
      pull(controller) {
        sent += 1;
        if (sent > 1_000) controller.close();
        else controller.enqueue(chunk);
      },
    });
    const init = {
      method: 'POST',
      headers: { cookie: visitor.cookie, 'content-type': FORM },
      body: endless,
      duplex: 'half',
    };
    expectErrorPage(await ask('/login', init as RequestInit), 413);
    expect(sent).toBeLessThan(1_000);
  });

  test('that is cut short harms nobody else', async () => {
    const head = `POST /login HTTP/1.1\r\nHost: x\r\nContent-Type: ${FORM}\r\nContent-Length: 500\r\n\r\nemail=a`;
    await new Promise<void>((resolve) => {
      const socket = connect(Number(new URL(web.url).port), '127.0.0.1', () => socket.end(head));
      socket.resume().on('close', () => resolve());
    });
    expect((await ask('/')).status).toBe(200);
  });

  test.each([
    ['JSON', 'application/json', '{"email":"a@example.org","password":{"$gt":""}}'],
    [
      'multipart',
      'multipart/form-data; boundary=x',
      '--x\r\nContent-Disposition: form-data; name="email"\r\n\r\na\r\n--x--',
    ],
    ['plain text', 'text/plain', 'email=a@example.org&password=b'],
    ['XML', 'application/xml', '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>'],
    ['of no type', '', 'email=a'],
  ])('%s: 415', async (_, type, body) => expectErrorPage(await post('/login', body, { 'content-type': type }), 415));

  test.each([
    ['binary', new Uint8Array([0x80, 0xff, 0x00, 0x01, 0xfe, 0x3d, 0xc3, 0x28])],
    ['malformed UTF-8', new Uint8Array([...Buffer.from('email=a'), 0xc3, 0x28])],
    ['malformed UTF-8, encoded', 'email=a%c3%28&password=b'],
    ['a lone surrogate, encoded', 'email=%ed%a0%80&password=b'],
    ['a null byte', 'email=a%00b&password=b'],
    ['a null byte in the password', 'email=a&password=b%00'],
    ['a field twice', 'email=a&email=b'],
    ['a list', 'email[]=a'],
    ['a nested field', 'email[x]=a'],
    ['a prototype', '__proto__[x]=1'],
    ['a prototype, flat', '__proto__=1'],
    ['a field with a dot', 'a.b=1'],
    ['a field with a name of 41 characters', `${'a'.repeat(41)}=1`],
    ['a field without a name', '=1'],
  ])('with %s: 400', async (_, body) => {
    const sent = typeof body === 'string' ? `${body}&_csrf=${encodeURIComponent(visitor.token)}` : body;
    expectErrorPage(await post('/login', sent), 400);
    expect(({} as Record<string, unknown>)['x']).toBeUndefined();
  });

  test('with fields that objects have anyway is a form like any other', async () => {
    expect((await post('/login', login({ constructor: '1', toString: '1', hasOwnProperty: '1' }))).status).toBe(401);
  });
});

describe('a form that is not ours', () => {
  test.each([
    ['none', undefined],
    ['an empty one', ''],
    ['a random one', 'A'.repeat(36)],
    ['one that is too long', 'A'.repeat(5_000)],
  ])('with %s for a token: 403', async (_, token) => {
    const fields = { email: 'a@example.org', password: PASSWORD };
    const answer = await post('/login', form(token === undefined ? fields : { ...fields, _csrf: token }));
    expectShownAgain(answer);
  });

  test('with a token that was tampered with, one of another visitor, or one of a member: 403', async () => {
    const flipped = Buffer.from(visitor.token, 'base64url');
    flipped[20] = (flipped[20] ?? 0) ^ 1;
    const stranger = await openForm(web.url, '/login', '');
    for (const token of [flipped.toString('base64url'), stranger.token, member.token]) {
      expectShownAgain(await post('/login', login({ _csrf: token })));
    }
    expectShownAgain(await post('/login', login(), { cookie: '' }));
    expectShownAgain(await post('/login', login(), { cookie: stranger.cookie }));
  });

  test('with a visitor’s token in a member’s session, or without its cookie: nothing is done', async () => {
    const fields = (token: string) => form({ _csrf: token });
    const both = `${member.cookie}; ${visitor.cookie}`;
    const answer = await post('/logout', fields(visitor.token), { cookie: both });
    expect([answer.status, answer.text.includes('Logged in already')]).toEqual([403, true]);
    // Of nobody who is logged in there is nothing to end.
    expect((await post('/logout', fields(member.token))).status).toBe(303);
    const page = await ask('/profile', { headers: { cookie: member.cookie } });
    expect(page.status).toBe(200);
  });

  test.each([
    ['Sec-Fetch-Site', 'cross-site'],
    ['Sec-Fetch-Site', 'same-site'],
    ['Sec-Fetch-Site', 'nonsense'],
    ['Origin', 'https://evil.example'],
    ['Origin', 'http://127.0.0.1'],
    ['Origin', 'http://localhost:1'],
  ])('that a browser says comes from elsewhere (%s: %s): 403', async (name, value) => {
    expectErrorPage(await post('/login', login(), { [name]: value }), 403);
  });

  test('from here is taken, whichever of the two a browser sends', async () => {
    expect((await post('/login', login(), { 'Sec-Fetch-Site': 'same-origin', Origin: web.url })).status).toBe(401);
    expect((await post('/login', login(), { Origin: web.config.publicOrigin })).status).toBe(401);
  });

  test('under a strict referrer policy is taken: the browser sends an Origin of null', async () => {
    expect((await post('/login', login(), { 'Sec-Fetch-Site': 'same-origin', Origin: 'null' })).status).toBe(401);
    expect((await post('/login', login(), { Origin: 'null' })).status).toBe(401);
    expectErrorPage(await post('/login', login(), { 'Sec-Fetch-Site': 'cross-site', Origin: 'null' }), 403);
    const strange = form({ email: 'a@example.org', password: PASSWORD, _csrf: 'x'.repeat(36) });
    expect((await post('/login', strange, { Origin: 'null' })).status).toBe(403);
  });

  test('in production comes from PUBLIC_URL or nowhere', async () => {
    const page = await rawAt(
      production.url,
      `GET /login HTTP/1.1\r\nHost: ${PUBLIC_HOST}\r\nConnection: close\r\n\r\n`,
    );
    const cookie = /set-cookie: ([^;\r]+)/i.exec(page)?.[1] ?? '';
    const body = form({ email: 'a@example.org', password: PASSWORD, _csrf: fieldValue(page, '_csrf') ?? '' });
    const send = (origin: string) =>
      rawAt(
        production.url,
        `POST /login HTTP/1.1\r\nHost: ${PUBLIC_HOST}\r\nConnection: close\r\nOrigin: ${origin}\r\nCookie: ${cookie}\r\n` +
          `Content-Type: ${FORM}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      );
    expect(await send(`https://${PUBLIC_HOST}`)).toMatch(/^HTTP\/1.1 401/);
    expect(await send(`http://${PUBLIC_HOST}`)).toMatch(/^HTTP\/1.1 403/);
    expect(await send('https://evil.example')).toMatch(/^HTTP\/1.1 403/);
  });
});

describe('a request that nothing answers', () => {
  test.each(['PUT', 'DELETE', 'PATCH', 'PROPFIND', 'REPORT', 'PURGE', 'TRACE'])(
    '%s: 405 with what is allowed',
    async (method) => {
      const answer = await rawAt(
        web.url,
        `${method} /login HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`,
      );
      expect(answer).toMatch(/^HTTP\/1.1 405 /);
      expect(answer).toMatch(/\r\nallow: GET, HEAD, POST\r\n/i);
      expect(answer).toContain('Error 405.');
    },
  );

  test.each([
    ['GET', '/logout', 'POST'],
    ['GET', '/account/sessions/revoke-others', 'POST'],
    ['POST', '/profile', 'HEAD, GET'],
    ['POST', '/', 'HEAD, GET'],
  ])('%s %s: 405 with what is allowed there', async (method, path, allowed) => {
    const answer = method === 'GET' ? await ask(path) : await post(path, form({ _csrf: visitor.token }));
    expectErrorPage(answer, 405);
    expect(answer.headers.get('allow')).toBe(allowed);
  });

  test.each([
    '/nothing-here',
    '/login/',
    '/LOGIN',
    '/profile/x',
    '/%',
    '/%00',
    '/%2e%2e/%2e%2e/etc/passwd',
    '/..%2f..%2fetc%2fpasswd',
    '/assets/../package.json',
    '/assets/holdfast.css',
    '/assets/%2e%2e/login.ejs',
    '/assets/nothing.0123456789.css',
    '//evil.example/x',
    '/.env',
    `/${'a'.repeat(8_000)}`,
  ])('%s: 404', async (path) => {
    const answer = await rawAt(web.url, `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1.1 404 /);
    expect(answer).toContain('Error 404.');
    expect(answer).not.toContain('root:');
  });

  test('HEAD is answered like GET, without a body', async () => {
    const answer = await ask('/login', { method: 'HEAD' });
    expect([answer.status, answer.text]).toEqual([200, '']);
    expect((await ask('/nothing', { method: 'HEAD' })).status).toBe(404);
  });

  test('an id that is none is not found, and is not asked for', async () => {
    for (const id of ['1', '..%2f..', '%E0%A4%A', `${'0'.repeat(36)}`, "1'%20OR%201=1--"]) {
      const body = form({ _csrf: member.token });
      expectErrorPage(await post(`/account/sessions/${id}/revoke`, body, { cookie: member.cookie }), 404);
    }
  });
});

describe('a cookie', () => {
  const SIGNED = `${'A'.repeat(43)}.${'A'.repeat(43)}`;
  test.each([
    ['of 300 bytes', `holdfast_session=${'x'.repeat(300)}`],
    ['with a broken signature', `holdfast_session=${SIGNED}`],
    ['with two signatures', `holdfast_session=${SIGNED}.${'A'.repeat(43)}`],
    ['with an empty value', 'holdfast_session='],
    ['of another shape', 'holdfast_session={"role":"operator"}'],
    ['encoded', 'holdfast_session=%00%ff%0d%0a'],
    ['sent ten times', Array.from({ length: 10 }, () => `holdfast_session=${SIGNED}`).join('; ')],
    ['of an older kind', 'koa.sess=eyJyb2xlIjoib3BlcmF0b3IifQ==; koa.sess.sig=abc'],
    ['of garbage', ';;;=;=a; =; \u00ff'],
    ['for the visitor of a foreign shape', `holdfast_visitor=${'v'.repeat(300)}`],
  ])('%s is as good as none, and is left alone', async (_, cookie) => {
    const answer = await ask('/profile', { headers: { cookie } });
    expect([answer.status, answer.headers.get('location')]).toEqual([303, '/login?next=%2Fprofile']);
    expectNoSession(answer);
    const page = await ask('/login', { headers: { cookie } });
    expect(page.status).toBe(200);
    expectNoSession(page);
  });

  test('of a member whose signature was changed is nobody’s', async () => {
    const [token, signature = ''] = member.cookie.split('.');
    const changed = `${token}.${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`;
    expect((await ask('/profile', { headers: { cookie: changed } })).status).toBe(303);
    expect((await ask('/profile', { headers: { cookie: `${token}.` } })).status).toBe(303);
    expect((await ask('/profile', { headers: { cookie: member.cookie } })).status).toBe(200);
  });

  test('of 70 KB is refused before it is read: 431', async () => {
    const answer = await rawAt(web.url, `GET / HTTP/1.1\r\nHost: x\r\nCookie: a=${'x'.repeat(70_000)}\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1.1 431 /);
    expect((await ask('/')).status).toBe(200);
  });
});
