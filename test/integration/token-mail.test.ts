// Whoever gets a token made for their account is told by mail: with the link "this wasn't me" where it was done from a session of
// their own, else with the page on which they revoke it.
import { expect, test } from '@jest/globals';
import { NO_ORIGIN } from '../../src/core/audit/events.ts';
import type { Language } from '../../src/core/platform/languages.ts';
import type { Role } from '../../src/core/sessions/role.ts';
import { commandLine } from '../support/command-line.ts';
import { startMailSite } from '../support/mail-site.ts';

const site = await startMailSite({ REGISTRATION: 'open' });
const by = { actor: null, origin: NO_ORIGIN };

async function somebody(role: Role, language?: Language) {
  const { email, member: browser, userId } = await site.registered();
  await site.web.context.users.setRole(userId, role, by);
  if (language) await site.web.context.users.setLanguage(userId, language, by);
  await browser.logIn(email);
  return { email, browser, userId };
}

const asked = { name: 'www.evil.example', days: '30', reason: 'a review' };

async function newestMail(address: string) {
  await site.send();
  const { email } = await site.server.mailTo(address);
  return { subject: email.subject ?? '', text: email.text?.replaceAll(/\s+/g, ' ') ?? '' };
}

test('one that is made from its own account’s session: with the link that disowns the log-in', async () => {
  const { email, browser, userId } = await somebody('operator');
  await browser.submit(`/operator/users/${userId}/tokens/create`, asked);
  const { subject, text } = await newestMail(email);
  expect(subject).toBe('An API token was made for your account with Holdfast');
  expect(text).toContain('from the IP address 127.0.0.1');
  expect(text).not.toContain('evil');
  const link = await site.linkTo(email);
  expect(link).toMatch(/^\/not-me\?token=/);
  const someone = site.browser();
  await someone.get(link);
  expect((await someone.get('/not-me')).text).toContain('The message tells of a log-in to your account');
  const links = await site.sql(
    `SELECT session_id = s.id AS session, since = s.created_at AS since, p.password_hash = u.password_hash AS password
       FROM token AS t JOIN link_password AS p ON p.token_id = t.id JOIN user_account AS u ON u.id = t.user_id
       JOIN session AS s ON s.user_id = u.id AND s.ended_at IS NULL
      WHERE t.user_id = $1 AND t.purpose = 'not_me' AND t.used_at IS NULL`,
    [userId],
  );
  expect(links).toEqual([{ session: true, since: true, password: true }]);
});

test('one that another operator makes: in its owner’s language, without who and where from', async () => {
  const [operator, auditor] = [await somebody('operator'), await somebody('auditor', 'de')];
  await operator.browser.submit(`/operator/users/${auditor.userId}/tokens/create`, asked);
  const { subject, text } = await newestMail(auditor.email);
  expect(subject).toBe('Für Ihr Konto bei Holdfast wurde ein API-Token gemacht');
  expect(text).toContain('mit der Konsole der Betreiber');
  expect(text).toContain('http://localhost:3000/account/security');
  expect(text).not.toMatch(/127\.0\.0\.1|evil|not-me/);
  expect(text).not.toContain(operator.email);
  await site.send();
  expect(site.server.countTo(operator.email)).toBe(0);
});

test('one that a command makes', async () => {
  const { email } = await somebody('auditor');
  const made = await commandLine(site.stores)(['token', 'create', email, '--name', 'x', '--reason', 'x'], {
    env: { ...site.env, PUBLIC_URL: site.web.url },
  });
  expect(made).toMatchObject({ code: 0, err: expect.stringContaining('90 days') });
  expect((await newestMail(email)).text).toContain('with the command line');
});
