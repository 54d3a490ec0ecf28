// A log-in from a new browser is told to its owner by mail; "this wasn't me" there ends it, and leads to a new password.
import { expect, test } from '@jest/globals';
import { NO_ORIGIN } from '../../src/core/audit/events.ts';
import { newEmail, PASSWORD, startWeb } from '../support/app.ts';
import { enrol } from '../support/factors.ts';
import { startMailSite } from '../support/mail-site.ts';

const FIREFOX = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:133.0) Gecko/20100101 Firefox/133.0';

const site = await startMailSite({ REGISTRATION: 'open' });

/** An account, used from one browser, and then logged in to from another kind of browser. */
async function strangerLogsIn(language = 'en', registered?: string, userAgent = FIREFOX) {
  const email = registered ?? newEmail();
  const owner = site.browser();
  if (registered === undefined) await owner.register(email);
  const stranger = site.browser();
  const _csrf = await stranger.token('/login');
  const sent = stranger.agent.post('/login').redirects(0).type('form');
  const answer = await sent
    .set('User-Agent', userAgent)
    .set('Accept-Language', language)
    .send({ email, password: PASSWORD, _csrf });
  expect(answer.status).toBe(303);
  const path = await site.linkTo(email);
  return { email, owner, stranger, mail: await site.server.mailTo(email), path };
}

test('says nothing that a stranger made up: a browser called like a site would be a link in mail programs', async () => {
  for (const name of [
    'www.evil.example/1.0',
    'Mozilla/5.0 (evil.example; rv:1.0) evil.example/1.0',
    'evil.example on Windows',
  ]) {
    const { mail } = await strangerLogsIn('en', undefined, name);
    expect(mail.email.text).toContain('with an unknown browser');
    expect(mail.raw).not.toContain('evil');
  }
});

test('says where from, and the button ends every session and leads to a new password', async () => {
  const { email, owner, stranger, mail, path } = await strangerLogsIn();
  expect(mail.email.subject).toBe('A new log-in to Holdfast');
  expect(mail.email.text).toContain('Firefox on Windows');
  expect(path).toMatch(/^\/not-me\?token=/);

  // A scanner follows the link, as often as it likes: nothing happens.
  const someone = site.browser();
  for (let times = 0; times < 2; times += 1) {
    expect((await someone.get(path)).headers['location']).toBe('/not-me');
    expect((await someone.get('/not-me')).text).toContain('Firefox on Windows, from the IP address 127.0.0.1');
  }
  await enrol(stranger); // in a session that takes the place of the one the mail is about
  expect(await stranger.profile()).toBe(200);

  const done = await someone.submit('/not-me', { former: PASSWORD });
  expect(done.status).toBe(303);
  expect(done.headers['location']).toBe('/reset-password');
  expect(await stranger.profile()).toBe(303);
  expect(await owner.profile()).toBe(303);
  const known = await site.sql(
    'SELECT FROM known_device d JOIN user_account u ON u.id = d.user_id WHERE u.email = $1 AND d.revoked_at IS NULL',
    [email],
  );
  expect(known).toEqual([]);

  const changed = await someone.submit('/reset-password', { password: 'a new horse for the battery' });
  expect(changed.headers['location']).toBe('/login?done=password-reset');
  const back = await site.browser().logIn(email, 'a new horse for the battery');
  expect([back.status, back.headers['location']]).toEqual([303, '/profile']); // and no second factor
  const events = await site.sql<{ type: string }>(
    "SELECT event->>'type' AS type FROM outbox WHERE event->>'type' = 'authn_login_disowned'",
  );
  expect(events).toHaveLength(1);
});

test('counts once, and not once the address was changed; a changed password does not end it', async () => {
  const used = await strangerLogsIn();
  const someone = site.browser();
  await someone.get(used.path);
  await someone.submit('/not-me', {});
  await someone.get(used.path);
  const again = await someone.get('/not-me');
  expect(again.status).toBe(410);
  expect(again.text).toContain('This link does not work any more');

  const changed = await strangerLogsIn();
  await changed.owner.submit('/account/password', { current: PASSWORD, password: 'a new horse for the battery' });
  const late = site.browser();
  await late.get(changed.path);
  expect((await late.get('/not-me')).status).toBe(200);
  await site.sql("UPDATE user_account SET email_key = 'moved ' || email_key WHERE email = $1", [changed.email]);
  expect((await late.get('/not-me')).status).toBe(410);
});

test('counts on, as every other link does, when the log-in itself renews an old hash of the password', async () => {
  const older = { REGISTRATION: 'open', PASSWORD_HASH_MEMORY_KIB: '8192', PASSWORD_HASH_PASSES: '1' };
  const before = await startWeb(site.stores, { ...site.env, ...older });
  try {
    const [email, address] = [newEmail(), newEmail()];
    const owner = site.browser(before.url);
    await owner.register(email);
    await owner.submit('/account/email', { email: address });
    await owner.submit('/forgot-password', { email });
    const [confirm, reset] = [await site.linkTo(address), await site.linkTo(email)];

    const stranger = site.browser();
    const _csrf = await stranger.token('/login');
    const sent = stranger.agent.post('/login').redirects(0).type('form').set('User-Agent', FIREFOX);
    expect((await sent.send({ email, password: PASSWORD, _csrf })).status).toBe(303);
    const renewed = await site.sql(`SELECT FROM user_account WHERE email = $1 AND password_hash NOT LIKE '%m=8192,%'`, [
      email,
    ]);
    expect(renewed).toHaveLength(1);

    for (const link of [confirm, reset, await site.linkTo(email, 1)]) {
      const someone = site.browser();
      await someone.get(link);
      const [page = ''] = link.split('?');
      expect({ page, status: (await someone.get(page)).status }).toEqual({ page, status: 200 });
    }
  } finally {
    await before.close();
  }
});

test('no link, a made-up one and one for something else lead to one page', async () => {
  for (const path of ['/not-me', `/not-me?token=${'a'.repeat(43)}`, '/not-me?token=x']) {
    const someone = site.browser();
    await someone.get(path);
    expect((await someone.get('/not-me')).status).toBe(410);
  }
});

test('an account that slept until every session of it was deleted is told of the next log-in', async () => {
  const { email, userId } = await site.registered();
  await site.sql('DELETE FROM session WHERE user_id = $1', [userId]); // as the worker does after a month
  expect((await site.browser().logIn(email)).status).toBe(303);
  expect(await site.linkTo(email)).toMatch(/^\/not-me/);
});

test('the first log-in of an account is told to nobody, also of two at once', async () => {
  const email = newEmail();
  const passwordHash = await site.web.context.passwords.hash(PASSWORD, null);
  await site.web.context.users.create({ email, passwordHash, role: 'member', origin: NO_ORIGIN });
  const answers = await Promise.all([site.browser().logIn(email), site.browser().logIn(email)]);
  expect(answers.map(({ status }) => status)).toEqual([303, 303]);
  await site.send();
  expect(site.server.countTo(email)).toBe(0);
});

test('a browser and address seen before are told to nobody', async () => {
  const email = newEmail();
  await site.browser().register(email);
  await site.browser().logIn(email);
  await site.send();
  expect(site.server.countTo(email)).toBe(0);
});

test('its owner reads it in their own language, whatever the stranger reads', async () => {
  const { mail } = await strangerLogsIn('de');
  expect(mail.email.subject).toBe('A new log-in to Holdfast');
  expect(mail.email.text).toContain('Firefox on Windows');

  const email = newEmail();
  const owner = site.browser();
  await owner.register(email);
  const choose = () => owner.submit('/language', { language: 'de', back: '/profile' }, '/profile');
  for (let times = 0; times < 2; times += 1) expect((await choose()).headers['location']).toBe('/profile');
  expect((await strangerLogsIn('en', email)).mail.email.subject).toBe('Neue Anmeldung bei Holdfast');
  expect((await site.server.mailTo(email)).email.text).toContain('mit Firefox auf Windows');
  await site.worker.sealing.seal();
  const chosen = await site.sql("SELECT FROM audit_event WHERE type = 'user_language_changed'");
  expect(chosen).toHaveLength(1); // the second choice changed nothing

  const elsewhere = site.browser();
  const german = newEmail();
  const _csrf = await elsewhere.token('/register');
  const registering = elsewhere.agent.post('/register').redirects(0).type('form').set('Accept-Language', 'de');
  expect((await registering.send({ email: german, password: PASSWORD, _csrf })).status).toBe(303);
  expect((await strangerLogsIn('en', german)).mail.email.subject).toBe('Neue Anmeldung bei Holdfast');
});

test('an account that has no language yet is written to as whoever acts reads', async () => {
  const email = newEmail();
  await site.browser().register(email);
  await site.sql('UPDATE user_account SET language = NULL WHERE email = $1', [email]);
  expect((await strangerLogsIn('de', email)).mail.email.subject).toBe('Neue Anmeldung bei Holdfast');
});

test('a deleted account is told of by mail', async () => {
  const email = newEmail();
  const browser = site.browser();
  await browser.register(email);
  await browser.submit('/account/delete', { understood: 'on' });
  await site.send();
  expect((await site.server.mailTo(email)).email.subject).toBe('Your account with Holdfast was deleted');
});

test('the twentieth browser after it makes a browser a stranger again: each has guesses of its own', async () => {
  const { email, userId } = await site.registered();
  const rows = () =>
    site.sql<{ id: string; revoked: boolean }>(
      'SELECT id, revoked_at IS NOT NULL AS revoked FROM known_device WHERE user_id = $1 ORDER BY created_at, id',
      [userId],
    );
  for (let n = 0; n < 19; n += 1) await site.browser().logIn(email);
  expect((await rows()).map(({ revoked }) => revoked)).toEqual(Array(20).fill(false));
  const again = site.browser();
  await again.logIn(email);
  await again.logOut();
  await again.logIn(email); // known: in the place of none
  expect((await rows()).map(({ revoked }) => revoked)).toEqual([true, ...Array(20).fill(false)]);
});
