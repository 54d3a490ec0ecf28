// What a person sees when something does not work: each kind of refusal with its own sentence, its own next step and the
// id of the request, in their language; and a form that came too late, with what they typed.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { HashQueueFullError } from '../../src/core/credentials/passwords.ts';
import { StoresAwayError } from '../../src/core/sessions/session-reader.ts';
import { createApp } from '../../src/web/app.ts';
import { HttpError } from '../../src/web/http/http-error.ts';
import { TEXTS } from '../../src/web/texts/language.ts';
import { Browser, newEmail, PASSWORD } from '../support/app.ts';
import { fieldValue } from '../support/page.ts';
import { world } from '../support/world.ts';

const { web } = await world();
let server: Server;
let url: string;

/** What a page may throw, under an address of its own. */
const THROWN: Readonly<Record<string, () => Error>> = {
  400: () => new HttpError(400, 'broken'),
  403: () => new HttpError(403, 'not_yours'),
  404: () => new HttpError(404, 'nothing'),
  405: () => new HttpError(405, 'method'),
  413: () => new HttpError(413, 'too_large'),
  415: () => new HttpError(415, 'wrong_type'),
  421: () => new HttpError(421, 'wrong_host'),
  422: () => new HttpError(422, 'not_possible'),
  429: () => new HttpError(429, 'too_often', { 'Retry-After': '60' }),
  500: () => new TypeError('a secret of the code'),
  503: () => new StoresAwayError('both'),
  busy: () => new HashQueueFullError(),
  forged: () => new HttpError(403, 'forged'),
  stale: () => new HttpError(403, 'stale_form'),
};

beforeAll(async () => {
  const { app, router } = createApp(web.context, { draining: false, started: true });
  for (const [name, error] of Object.entries(THROWN)) {
    router.get(`/throws/${name}`, () => {
      throw error();
    });
  }
  server = createServer(app.callback());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(async () => {
  server?.closeAllConnections();
  server?.close();
});

const asRead = (html: string) => html.replaceAll('&#39;', "'").replaceAll('&amp;', '&');

async function refused(name: string, language = 'en'): Promise<{ status: number; html: string; headers: Headers }> {
  const response = await fetch(`${url}/throws/${name}`, { headers: { 'accept-language': language } });
  return { status: response.status, html: asRead(await response.text()), headers: response.headers };
}

test('what was done too often says when it can be done again, in the browser’s zone and in UTC', async () => {
  const { html } = await refused('429');
  expect(html).toMatch(/Try again in 1 minute, at \d\d:\d\d:\d\d UTC\./);
  const headers = { cookie: 'holdfast_zone=Asia/Kolkata' };
  const there = await (await fetch(`${url}/throws/429`, { headers })).text();
  expect(there).toMatch(/Try again in 1 minute, at \d\d:\d\d:\d\d \(Asia\/Kolkata\), \d\d:\d\d:\d\d UTC\./);
});

describe.each(['en', 'de'] as const)('in %s', (language) => {
  test.each(Object.keys(THROWN))('%s says what happened and what to do next', async (name) => {
    const { html, headers } = await refused(name, language);
    const words = TEXTS[language].errors[name as keyof (typeof TEXTS)['en']['errors']] as unknown as Record<
      string,
      string
    >;
    expect(html).toContain(`<html lang="${language}">`);
    expect(html).toContain(`<h1>${words['heading']}</h1>`);
    expect(html).toContain(words['message']);
    expect(html).toContain(`>${words['next']}</a>`);
    expect(html).toContain(`>${headers.get('x-request-id')}</bdi>`);
    expect(html).not.toContain('a secret of the code');
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('vary')).toContain('Accept-Language');
    expect(headers.getSetCookie()).toEqual([]);
  });

  test('no two say the same', () => {
    const sentences = Object.keys(THROWN).map((name) => JSON.stringify(TEXTS[language].errors[name as '400'].message));
    expect(new Set(sentences).size).toBe(sentences.length);
  });
});

test('what comes back by itself says when', async () => {
  expect((await refused('503')).headers.get('retry-after')).toBe('10');
  expect((await refused('busy')).headers.get('retry-after')).toBe('5');
  expect((await refused('429')).headers.get('retry-after')).toBe('60');
});

test('the next step leads back to the form that was sent, and never to another site', async () => {
  const send = (referer: string) =>
    fetch(`${url}/login`, { method: 'POST', body: '{}', headers: { 'content-type': 'application/json', referer } });
  const next = async (referer: string) =>
    /class="button primary" href="([^"]*)"/.exec(await (await send(referer)).text())?.[1];
  expect(await next(`${url}/login?next=%2Fprofile`)).toBe('/login?next=%2Fprofile');
  expect(await next('https://evil.example/login')).toBe('/');
  expect(await next(`${url}//evil.example`)).toBe('/');
  expect(await next('nonsense')).toBe('/');
});

describe('a form that came too late keeps what was typed, and no password', () => {
  test.each([
    ['/login', { remember: 'on', next: '/account/sessions' }],
    ['/register', { next: '/account/sessions' }],
  ])('%s', async (path, more) => {
    const email = newEmail();
    const browser = new Browser(web.url);
    const old = await browser.token(path);
    const later = new Browser(web.url);
    await later.get(path);
    const answer = await later.agent
      .post(path)
      .type('form')
      .send({ email, password: PASSWORD, ...more, _csrf: old });
    expect(answer.status).toBe(403);
    expect(answer.text).toContain(TEXTS.en.staleForm);
    expect(fieldValue(answer.text, 'email')).toBe(email);
    expect(fieldValue(answer.text, 'next')).toBe('/account/sessions');
    expect(answer.text).not.toContain(PASSWORD);
    if (path === '/login') expect(answer.text).toMatch(/name="remember" value="on" checked/);
    expect(await web.context.users.findByEmail(email)).toBeNull();
    // The form that came back is a new one, and is taken.
    const token = fieldValue(answer.text, '_csrf') ?? '';
    const fields = { email, password: PASSWORD, _csrf: token };
    const again = await later.agent.post('/register').redirects(0).type('form').send(fields);
    expect(again.status).toBe(303);
  });
});

describe('the language', () => {
  test('is chosen at the foot of a page, which leads back, and is kept', async () => {
    const browser = new Browser(web.url);
    const back = '/login?next=%2Fprofile';
    expect(fieldValue((await browser.get(back)).text, 'back')).toBe(back);
    const answer = await browser.submit('/language', { language: 'de', back }, back);
    expect([answer.status, answer.headers['location']]).toEqual([303, back]);
    expect((await browser.get(back)).text).toContain('<html lang="de">');
    expect(
      (await browser.submit('/language', { language: 'xx', back: '//evil.example' }, back)).headers['location'],
    ).toBe('/');
    expect((await browser.get(back)).text).toContain('<h1>Anmelden</h1>');
  });

  test('is that of errors beside fields too', async () => {
    const browser = new Browser(web.url);
    await browser.submit('/language', { language: 'de', back: '/login' }, '/login');
    const answer = await browser.submit('/register', { email: 'x', password: 'short' });
    expect(answer.status).toBe(422);
    expect(answer.text).toContain(TEXTS.de.register.emailWrong);
    expect(answer.text).toContain(TEXTS.de.passwordProblems.too_short);
  });
});
