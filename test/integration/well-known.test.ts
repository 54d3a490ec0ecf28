// What programs ask every site, and what a page says that is asked in a way that it does not take.
import { describe, expect, test } from '@jest/globals';
import { Browser, startWeb } from '../support/app.ts';
import { world } from '../support/world.ts';

const { stores, web, newMember } = await world();

async function textAt(url: string, path: string) {
  const answer = await fetch(`${url}${path}`);
  return { status: answer.status, type: answer.headers.get('content-type'), text: await answer.text() };
}

describe('security.txt', () => {
  test('is no page without a contact', async () => {
    expect((await textAt(web.url, '/.well-known/security.txt')).status).toBe(404);
  });

  test.each([
    ['security@example.org', 'mailto:security@example.org'],
    ['https://example.org/security', 'https://example.org/security'],
  ])('has the contact %s and is valid for less than a year', async (given, shown) => {
    const other = await startWeb(stores, { SECURITY_CONTACT: given, PUBLIC_URL: 'http://127.0.0.1:3000' });
    try {
      const { status, type, text } = await textAt(other.url, '/.well-known/security.txt');
      expect([status, type]).toEqual([200, 'text/plain; charset=utf-8']);
      const fields = new Map(
        text
          .trim()
          .split('\n')
          .map((line) => line.split(/: (.*)/s).slice(0, 2) as [string, string]),
      );
      expect(fields.get('Contact')).toBe(shown);
      expect(fields.get('Canonical')).toBe('http://127.0.0.1:3000/.well-known/security.txt');
      expect(fields.get('Preferred-Languages')).toBe('en, de');
      const left = new Date(fields.get('Expires') ?? '').getTime() - Date.now();
      expect([left > 86_400_000, left < 365 * 86_400_000]).toEqual([true, true]);
    } finally {
      await other.close();
    }
  });

  test('a contact that is no address stops the start', async () => {
    await expect(startWeb(stores, { SECURITY_CONTACT: 'ask around' })).rejects.toThrow('SECURITY_CONTACT');
  });
});

test('robots.txt keeps search engines from every page', async () => {
  expect(await textAt(web.url, '/robots.txt')).toEqual({
    status: 200,
    type: 'text/plain; charset=utf-8',
    text: 'User-agent: *\nDisallow: /\n',
  });
});

describe('405 says what the page takes', () => {
  const asked = (method: string, path: string, language: string) =>
    fetch(`${web.url}${path}`, { method, headers: { 'accept-language': language } });

  test.each([
    ['GET', '/logout', 'POST', 'A form is sent here', 'Hierher wird ein Formular gesendet'],
    ['PUT', '/logout', 'POST', 'A form is sent here', 'Hierher wird ein Formular gesendet'],
    ['DELETE', '/', 'GET, HEAD', 'can be opened, but takes no form', 'nimmt aber kein Formular an'],
    [
      'PATCH',
      '/login',
      'GET, HEAD, POST',
      'and takes a form; it takes nothing else',
      'nimmt ein Formular an, sonst nichts',
    ],
  ])('%s %s', async (method, path, allowed, english, german) => {
    const [en, de] = [await asked(method, path, 'en'), await asked(method, path, 'de')];
    expect([en.status, en.headers.get('allow')]).toEqual([405, allowed]);
    expect(await en.text()).toContain(english);
    expect(await de.text()).toContain(german);
  });

  test('to a form at a page that takes none', async () => {
    const { browser } = await newMember();
    const answer = await browser.submit('/profile', {});
    expect(answer.status).toBe(405);
    expect(answer.text).toContain('can be opened, but takes no form');
  });

  test('and 404 where there is no page', async () => {
    expect((await asked('PUT', '/nothing-here', 'en')).status).toBe(404);
  });
});

test('without a script no page holds a button that does nothing', async () => {
  const { browser } = await newMember();
  const visitor = new Browser(web.url);
  const pages = [
    ...(await Promise.all(['/login', '/register', '/'].map((path) => visitor.get(path)))),
    ...(await Promise.all(
      ['/profile', '/account/password', '/account/security', '/account/security/passkeys/new', '/confirm'].map((path) =>
        browser.get(path),
      ),
    )),
  ];
  for (const { status, text } of pages) {
    expect(status).toBe(200);
    const served = text.replaceAll(/<script type="text\/html" data-scripted>.*?<\/script>/gs, '');
    expect(served).not.toMatch(/<button[^>]*type="button"/);
    expect(served).not.toContain('data-passkey');
    expect(served).not.toMatch(/<(?!input)[^>]* hidden[ >]/);
  }
});
