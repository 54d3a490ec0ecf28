// Which host and which address a request is taken to be from, and the security headers on every kind of answer.
import { describe, expect, test } from '@jest/globals';
import { expectSecurityHeaders, rawAt } from '../support/answers.ts';
import { PASSWORD, startWeb, type TestProcess } from '../support/app.ts';
import { askedWorld, form, PUBLIC_HOST } from '../support/asked-world.ts';
import { fieldValue } from '../support/page.ts';

const { opened, visitor, member, ask, post, login } = await askedWorld();
const { stores, web, other: production, worker, sql } = opened;

describe('a host', () => {
  const get = (host: string, path = '/') =>
    rawAt(production.url, `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);

  test.each([
    'evil.example',
    `${PUBLIC_HOST}.evil.example`,
    `${PUBLIC_HOST}:8443`,
    `evil@${PUBLIC_HOST}`,
    '',
    '127.0.0.1',
  ])('that is not ours in production: 421 (%j)', async (host) => {
    for (const path of ['/', '/login', '/assets/holdfast.css', '/nothing']) {
      const answer = await get(host, path);
      expect(answer).toMatch(/^HTTP\/1.1 421 /);
      expect(answer).toContain('Error 421.');
      expect(answer).not.toMatch(/set-cookie/i);
      if (host !== '' && !host.startsWith('127')) expect(answer).not.toContain('evil');
    }
  });

  test('that is ours is answered, in any case of letters; probes whatever they ask for', async () => {
    expect(await get(PUBLIC_HOST)).toMatch(/^HTTP\/1.1 200 /);
    expect(await get(PUBLIC_HOST.toUpperCase())).toMatch(/^HTTP\/1.1 200 /);
    expect(await get('10.0.0.1:3000', '/healthz')).toMatch(/^HTTP\/1.1 200 /);
    expect(await get('10.0.0.1:3000', '/readyz')).toMatch(/^HTTP\/1.1 200 /);
  });

  test('has no /readyz for who comes through a proxy, whatever they ask for', async () => {
    for (const header of ['X-Forwarded-For: 203.0.113.9', 'Forwarded: for=203.0.113.9']) {
      const ask = (path: string) =>
        rawAt(production.url, `GET ${path} HTTP/1.1\r\nHost: ${PUBLIC_HOST}\r\n${header}\r\nConnection: close\r\n\r\n`);
      expect(await ask('/readyz')).toMatch(/^HTTP\/1.1 404 /);
      expect(await ask('/healthz')).toMatch(/^HTTP\/1.1 200 /);
    }
  });

  test('is never built into an answer', async () => {
    const head =
      'Host: evil.example\r\nX-Forwarded-Host: evil.example\r\nReferer: https://evil.example/\r\nConnection: close';
    for (const path of ['/', '/login', '/profile', '/nothing', '/logout']) {
      expect(await rawAt(web.url, `GET ${path} HTTP/1.1\r\n${head}\r\n\r\n`)).not.toContain('evil.example');
    }
  });

  test('with HSTS under HTTPS, and without Secure cookies nowhere', async () => {
    const answer = await get(PUBLIC_HOST, '/login');
    expect(answer).toMatch(/\r\nstrict-transport-security: max-age=31536000; includeSubDomains\r\n/i);
    expect(answer).toMatch(/\r\nset-cookie: __Host-visitor=[^\r]*; secure/i);
  });
});

describe('a forwarded address', () => {
  async function seenAs(on: TestProcess, forwarded: string): Promise<string | null> {
    const form = await fetch(`${on.url}/login`);
    const cookie = form.headers.getSetCookie()[0]?.split(';')[0] ?? '';
    const _csrf = fieldValue(await form.text(), '_csrf') ?? '';
    const response = await fetch(`${on.url}/login`, {
      method: 'POST',
      headers: { cookie, 'x-forwarded-for': forwarded, 'x-real-ip': '6.6.6.6', forwarded: 'for=6.6.6.6' },
      body: new URLSearchParams({ email: 'a@example.org', password: PASSWORD, _csrf }),
    });
    expect(response.status).toBe(401);
    await worker.sealing.seal();
    const events = await sql<{ ip: string | null }>('SELECT host(ip) AS ip FROM audit_event ORDER BY seq DESC LIMIT 1');
    return events[0]?.ip ?? null;
  }

  test.each(['203.0.113.9', '127.0.0.1, 203.0.113.9', "'; DROP TABLE audit_event; --", '2001:db8::1', ','])(
    'counts for nothing without TRUSTED_PROXIES: %j',
    async (forwarded) => expect(await seenAs(web, forwarded)).toBe('127.0.0.1'),
  );

  test('is believed from a trusted proxy, read from the right, and only as far as each hop is one', async () => {
    const proxied = await startWeb(stores, { TRUSTED_PROXIES: '127.0.0.1, 10.0.0.0/8' });
    try {
      expect(await seenAs(proxied, '203.0.113.9')).toBe('203.0.113.9');
      expect(await seenAs(proxied, '6.6.6.6, 203.0.113.9')).toBe('203.0.113.9');
      expect(await seenAs(proxied, '6.6.6.6, 203.0.113.9, 10.1.2.3')).toBe('203.0.113.9');
      expect(await seenAs(proxied, 'unknown, 10.1.2.3')).toBe('10.1.2.3');
      expect(await seenAs(proxied, '<script>alert(1)</script>')).toBe('127.0.0.1');
      expect(await seenAs(proxied, '::ffff:203.0.113.9')).toBe('203.0.113.9');
      expect(await seenAs(proxied, '2001:DB8::0:1')).toBe('2001:db8::1');
    } finally {
      await proxied.close();
    }
  });
});

describe('the security headers', () => {
  test('are on every kind of answer', async () => {
    const home = await ask('/');
    const asset = /href="(\/assets\/holdfast[^"]+css)"/.exec(home.text)?.[1] ?? '';
    const answers = [
      home,
      await ask('/login'),
      await ask('/profile', { headers: { cookie: member.cookie } }),
      await ask('/profile'),
      await ask('/healthz'),
      await ask('/readyz'),
      await ask(asset),
      await ask('/favicon.ico'),
      await ask('/nothing'),
      await ask('/logout'),
      await ask('/login', { method: 'OPTIONS' }),
      await post('/login', login()),
      await post('/login', form({ _csrf: visitor.token })),
      await post('/login', ''),
      await post('/login', '{}', { 'content-type': 'application/json' }),
    ];
    for (const { headers } of answers) {
      expectSecurityHeaders(headers);
      expect(headers.get('x-request-id')).toBeTruthy();
    }
    const caching = answers.map(({ headers }) => headers.get('cache-control'));
    expect(caching[6]).toBe('public, max-age=31536000, immutable');
    expect(caching[7]).toBe('public, max-age=86400');
    expect(new Set(caching.filter((_, index) => index !== 6 && index !== 7))).toEqual(new Set(['no-store']));
  });

  test('say HTTPS only where people come by HTTPS', async () => {
    const secure = await startWeb(stores, { PUBLIC_URL: 'https://login.example.org' });
    try {
      expectSecurityHeaders((await ask('/', {}, secure)).headers, true);
      expectSecurityHeaders((await ask('/nothing', {}, secure)).headers, true);
    } finally {
      await secure.close();
    }
  });

  test('require HTTPS of the host alone where other services lie below it', async () => {
    const apex = await startWeb(stores, { PUBLIC_URL: 'https://example.org', HSTS: 'host' });
    try {
      expect((await ask('/', {}, apex)).headers.get('strict-transport-security')).toBe('max-age=31536000');
    } finally {
      await apex.close();
    }
  });
});
