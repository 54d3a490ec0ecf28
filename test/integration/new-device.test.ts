// A log-in from a new browser is told to its owner by mail; "this wasn't me" there ends it, and leads to a new password.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Context } from '../../src/core/context.ts';
import { Browser, newEmail, openWorker, PASSWORD, startWeb, type TestProcess } from '../support/app.ts';
import { type MailServer, startMailServer } from '../support/mail-server.ts';
import { query } from '../support/query.ts';
import { openTestStores, type TestStores } from '../support/stores.ts';

const FIREFOX = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:133.0) Gecko/20100101 Firefox/133.0';

let stores: TestStores;
let server: MailServer;
let web: TestProcess;
let worker: Context;

beforeAll(async () => {
  [stores, server] = await Promise.all([openTestStores({ watched: true }), startMailServer()]);
  const env = { SMTP_URL: server.url, MAIL_FROM: 'login@example.org' };
  const generous = { THROTTLE_MAILBOX: '1000/1000/1h', THROTTLE_TOKEN: '1000/1000/1h' };
  [web, worker] = await Promise.all([
    startWeb(stores, { ...env, ...generous, REGISTRATION: 'open' }),
    openWorker(stores, env),
  ]);
});

afterAll(async () => {
  await Promise.all([web?.close(), worker?.close()]);
  await server?.stop();
  await stores?.close();
});

/** An account, used from one browser, and then logged in to from another kind of browser. */
async function strangerLogsIn(language = 'en') {
  const email = newEmail();
  const owner = new Browser(web.url);
  await owner.register(email);
  const stranger = new Browser(web.url);
  const _csrf = await stranger.token('/login');
  const sent = stranger.agent.post('/login').redirects(0).type('form');
  const answer = await sent
    .set('User-Agent', FIREFOX)
    .set('Accept-Language', language)
    .send({ email, password: PASSWORD, _csrf });
  expect(answer.status).toBe(303);
  await worker.mailDelivery.sendDue();
  const mail = await server.mailTo(email);
  const link = new URL(mail.link ?? '');
  return { email, owner, stranger, mail, path: link.pathname + link.search };
}

test('says where from, and the button ends that session and leads to a new password', async () => {
  const { email, owner, stranger, mail, path } = await strangerLogsIn();
  expect(mail.email.subject).toBe('A new log-in to Holdfast');
  expect(mail.email.text).toContain('Firefox on Windows');
  expect(path).toMatch(/^\/not-me\?token=/);

  // A scanner follows the link, as often as it likes: nothing happens.
  const someone = new Browser(web.url);
  for (let times = 0; times < 2; times += 1) {
    expect((await someone.get(path)).headers['location']).toBe('/not-me');
    expect((await someone.get('/not-me')).text).toContain('Firefox on Windows, from the address 127.0.0.1');
  }
  expect(await stranger.profile()).toBe(200);

  const done = await someone.submit('/not-me', {});
  expect(done.status).toBe(303);
  expect(done.headers['location']).toMatch(/^\/reset-password\?token=[\w-]{43}$/);
  expect(await stranger.profile()).toBe(303);
  expect(await owner.profile()).toBe(200);
  const known = await query(
    stores.database.superuserUrl,
    'SELECT FROM known_device d JOIN user_account u ON u.id = d.user_id WHERE u.email = $1 AND d.revoked_at IS NULL',
    [email],
  );
  expect(known).toEqual([]);

  await someone.get(done.headers['location'] ?? '');
  const changed = await someone.submit('/reset-password', { password: 'a new horse for the battery' });
  expect(changed.headers['location']).toBe('/login?done=password-reset');
  expect((await new Browser(web.url).logIn(email, 'a new horse for the battery')).status).toBe(303);
  const events = await query<{ type: string }>(
    stores.database.superuserUrl,
    "SELECT event->>'type' AS type FROM outbox WHERE event->>'type' = 'authn_login_disowned'",
  );
  expect(events).toHaveLength(1);
});

test('counts once, and not once the password was changed', async () => {
  const used = await strangerLogsIn();
  const someone = new Browser(web.url);
  await someone.get(used.path);
  await someone.submit('/not-me', {});
  await someone.get(used.path);
  const again = await someone.get('/not-me');
  expect(again.status).toBe(410);
  expect(again.text).toContain('This link does not work any more');

  const changed = await strangerLogsIn();
  await changed.owner.submit('/account/password', { current: PASSWORD, password: 'a new horse for the battery' });
  const late = new Browser(web.url);
  await late.get(changed.path);
  expect((await late.get('/not-me')).status).toBe(410);
});

test('no link, a made-up one and one for something else lead to one page', async () => {
  for (const path of ['/not-me', `/not-me?token=${'a'.repeat(43)}`, '/not-me?token=x']) {
    const someone = new Browser(web.url);
    await someone.get(path);
    expect((await someone.get('/not-me')).status).toBe(410);
  }
});

test('a browser and address seen before are told to nobody', async () => {
  const email = newEmail();
  await new Browser(web.url).register(email);
  await new Browser(web.url).logIn(email);
  await worker.mailDelivery.sendDue();
  expect(server.countTo(email)).toBe(0);
});

test('a deleted account is told of by mail', async () => {
  const email = newEmail();
  const browser = new Browser(web.url);
  await browser.register(email);
  await browser.submit('/account/delete', { understood: 'on' });
  await worker.mailDelivery.sendDue();
  expect((await server.mailTo(email)).email.subject).toBe('Your account with Holdfast was deleted');
});
