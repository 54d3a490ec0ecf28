// Another address for an account: nothing changes before the new mailbox confirms it, the old one is told and can take it
// back, and nobody learns whether an address has an account. Then the pages around mail: shown in development, operators'.
import { describe, expect, test } from '@jest/globals';
import { Browser, newEmail, openWorker, PASSWORD, startWeb } from '../support/app.ts';
import { enrol } from '../support/factors.ts';
import { startMailSite } from '../support/mail-site.ts';
import { fieldError, withoutTokens } from '../support/page.ts';

const site = await startMailSite({ REGISTRATION: 'open' });

/** Follows a mailed link and presses its button. */
async function press(path: string, someone = site.browser()) {
  const [bare = ''] = path.split('?');
  expect((await someone.get(path)).status).toBe(303);
  return someone.submit(bare, { password: PASSWORD, former: PASSWORD });
}

describe('a change of address', () => {
  test('counts once the new mailbox confirms it; the old one is told, and every session ends', async () => {
    const { email, member, userId } = await site.registered();
    const next = newEmail();
    const answer = await member.submit('/account/email', { email: next });
    expect([answer.status, answer.headers['location']]).toEqual([303, '/account/email/sent']);
    const path = await site.linkTo(next);
    expect((await site.browser().logIn(email)).status).toBe(303);

    const looked = site.browser();
    await looked.get(path);
    expect((await looked.get('/confirm-email')).text).toContain(next);
    expect(await member.profile()).toBe(200);

    const done = await press(path);
    expect([done.status, done.headers['location']]).toEqual([303, '/login?done=email-changed']);
    expect(await member.profile()).toBe(303);
    expect((await site.browser().logIn(email)).status).toBe(401);
    expect((await site.browser().logIn(next)).status).toBe(303);
    const told = (await site.server.mailTo(email, 0, site.send)).email.text;
    expect(told).toContain('Your account has another e-mail address now');
    expect(told).not.toContain(next); // whoever chose it may have written a link into it
    expect((await site.browser().get(path)).status).toBe(303);
    const again = site.browser();
    await again.get(path);
    expect((await again.get('/confirm-email')).status).toBe(410);
    const types = await site.sql<{ type: string }>(
      "SELECT event->>'type' AS type FROM outbox WHERE event->>'subject' = $1",
      [userId],
    );
    expect(types.map(({ type }) => type)).toEqual(
      expect.arrayContaining(['user_email_change_asked', 'user_email_changed', 'session_ended']),
    );
  });

  test('is confirmed by whoever is logged in to the account, or knows its password', async () => {
    const { member, userId } = await site.registered();
    const next = newEmail();
    await member.submit('/account/email', { email: next });
    const path = await site.linkTo(next);

    // Whoever reads the new mailbox has an account of their own, or none: this one may be somebody else's trap.
    const { member: neighbour } = await site.registered();
    for (const someone of [site.browser(), neighbour]) {
      await someone.get(path);
      expect((await someone.get('/confirm-email')).text).toContain('type="password"');
      const none = await someone.submit('/confirm-email', {});
      expect([none.status, fieldError(none.text, 'password')]).toEqual([422, 'Enter your password.']);
      const wrong = await someone.submit('/confirm-email', { password: 'not the password' });
      expect([wrong.status, fieldError(wrong.text, 'password')]).toEqual([
        422,
        'This is not the password of that account.',
      ]);
    }
    const failures = await site.sql(
      `SELECT FROM outbox WHERE event->>'type' = 'user_email_change_fail' AND event->>'subject' = $1`,
      [userId],
    );
    expect(failures).toHaveLength(4);

    await member.get(path);
    expect((await member.get('/confirm-email')).text).not.toContain('type="password"');
    expect((await member.submit('/confirm-email', {})).headers['location']).toBe('/login?done=email-changed');
    const known = await site.sql('SELECT FROM known_device WHERE user_id = $1 AND revoked_at IS NULL', [userId]);
    expect(known).toEqual([]);
  });

  test('is not where a password can be tried at will: the tries count with those of changing it', async () => {
    const strict = await startWeb(site.stores, { ...site.env, THROTTLE_PASSWORD_CHANGE: '2/2/1h' });
    try {
      const { member, userId } = await site.registered();
      const next = newEmail();
      await member.submit('/account/email', { email: next });
      const path = await site.linkTo(next);
      const statuses = [];
      for (const password of ['not this one', 'nor this one', PASSWORD]) {
        const someone = site.browser(strict.url);
        await someone.get(path);
        statuses.push((await someone.submit('/confirm-email', { password })).status);
      }
      expect(statuses).toEqual([422, 422, 429]);
      const blocks = await site.sql(
        `SELECT event->>'subject' AS subject, event->'detail'->>'scope' AS scope FROM outbox
          WHERE block IS NOT NULL AND event->>'subject' = $1`,
        [userId],
      );
      expect(blocks).toContainEqual({ subject: userId, scope: 'password_change' });
    } finally {
      await strict.close();
    }
  });

  test('takes with it, when it is taken back, the second factors that were added since that log-in, and no other', async () => {
    const { email, member, userId } = await site.registered();
    await enrol(member);
    for (const table of ['totp', 'recovery_code'])
      await site.sql(`UPDATE ${table} SET logged_in_at = logged_in_at - interval '1 day' WHERE user_id = $1`, [userId]);
    await site.sql(
      `INSERT INTO passkey (id, user_id, credential_id, public_key, counter, transports, name)
       VALUES (gen_random_uuid(), $1, $2, '\\x00', 0, '{}', 'of the thief')`,
      [userId, email],
    );
    const thief = newEmail();
    await member.submit('/account/email', { email: thief });
    await press(await site.linkTo(thief));
    await press(await site.linkTo(email, 1));
    const left = await site.sql<{ apps: number; passkeys: number; codes: number }>(
      `SELECT (SELECT count(*) FROM totp WHERE user_id = $1)::int AS apps,
              (SELECT count(*) FROM passkey WHERE user_id = $1)::int AS passkeys,
              (SELECT count(*) FROM recovery_code WHERE user_id = $1)::int AS codes`,
      [userId],
    );
    expect(left).toEqual([{ apps: 1, passkeys: 0, codes: 10 }]);
  });

  test('can be taken back from the old mailbox, whatever was done since', async () => {
    const { email, member, userId } = await site.registered();
    await enrol(member); // the thief's, who logged in with a password alone
    const thief = newEmail();
    await member.submit('/account/email', { email: thief });
    await press(await site.linkTo(thief));
    const hash = await site.web.context.passwords.hash('what only the thief knows', null);
    await site.sql('UPDATE user_account SET password_hash = $1 WHERE id = $2', [hash, userId]);

    const done = await press(await site.linkTo(email, 1));
    expect([done.status, done.headers['location']]).toEqual([303, '/login?done=email-taken-back']);
    for (const password of [PASSWORD, 'what only the thief knows'])
      expect((await site.browser().logIn(email, password)).status).toBe(401);
    const reset = await site.linkTo(email, 3);
    expect(reset).toMatch(/^\/reset-password\?token=/);
    const owner = site.browser();
    await owner.get(reset);
    await owner.submit('/reset-password', { password: 'the owner is back again' });
    expect((await owner.logIn(email, 'the owner is back again')).headers['location']).toBe('/profile');
    expect(await site.sql('SELECT FROM recovery_code WHERE user_id = $1', [userId])).toEqual([]);
  });

  test('to an address that has an account gets the same answer, and no mail', async () => {
    const { member } = await site.registered();
    const { email: taken } = await site.registered();
    const answers = [];
    for (const address of [taken, newEmail()]) {
      const { status, headers } = await member.submit('/account/email', { email: address });
      const page = withoutTokens((await member.get('/account/email/sent')).text);
      answers.push({ status, to: headers['location'], page });
    }
    expect(answers[0]).toEqual(answers[1]);
    await site.send();
    expect(site.server.countTo(taken)).toBe(0);
  });

  test('loses its link to a change of password, to another request, and to whoever takes the address first', async () => {
    const { member } = await site.registered();
    const [first, second] = [newEmail(), newEmail()];
    await member.submit('/account/email', { email: first });
    const early = await site.linkTo(first);
    await member.submit('/account/email', { email: second });
    expect((await lookAt(early)).status).toBe(410);
    const path = await site.linkTo(second);
    await site.browser().register(second);
    expect((await press(path)).status).toBe(410);
    await member.submit('/account/password', { current: PASSWORD, password: 'another long password' });
    expect((await lookAt(path)).status).toBe(410);
  });

  async function lookAt(path: string) {
    const someone = site.browser();
    await someone.get(path);
    return someone.get(path.split('?')[0] ?? '');
  }

  test('needs a recent log-in, an address, and another one than before', async () => {
    const { email, member, userId } = await site.registered();
    expect((await member.submit('/account/email', { email: 'nothing' })).status).toBe(422);
    expect((await member.submit('/account/email', { email: email.toUpperCase() })).status).toBe(422);
    await site.sql("UPDATE session SET created_at = clock_timestamp() - interval '11 minutes' WHERE user_id = $1", [
      userId,
    ]);
    const late = await member.submit('/account/email', { email: newEmail() });
    expect(late.headers['location']).toBe('/confirm?next=%2Faccount%2Femail');
  });
});

describe('a change that waits', () => {
  test('is seen by its owner and taken back: its link works no longer, and what was done is recorded', async () => {
    const { member, userId } = await site.registered();
    const next = newEmail();
    await member.submit('/account/email', { email: next });
    const link = await site.linkTo(next);
    const page = await member.get('/account/email');
    expect(page.text).toContain(`to change it to ${next}`);
    const taken = await member.submit('/account/email/take-back', {}, '/account/email');
    expect([taken.status, taken.headers['location']]).toEqual([303, '/account/email?done=email-change-taken-back']);
    expect((await member.get('/account/email')).text).not.toContain(next);
    await member.get(link);
    expect((await member.get('/confirm-email')).status).toBe(410);
    const again = await member.submit('/account/email/take-back', {}, '/account/email');
    expect(again.headers['location']).toBe('/account/email?done=email-change-gone');
    await site.worker.sealing.seal();
    const events = await site.sql(
      `SELECT FROM audit_event WHERE subject_id = $1 AND type = 'user_email_change_taken_back'`,
      [userId],
    );
    expect(events).toHaveLength(1);
  });

  test('is taken back by "This wasn’t me" too, which is recorded', async () => {
    const { email, member: stranger, userId } = await site.registered();
    const next = newEmail();
    await stranger.submit('/account/email', { email: next });
    const owner = site.browser();
    await owner.logIn(email);
    await site.browser().logIn(email);
    await site.worker.sealing.seal();
    const [, link = ''] =
      /href="(\/account\/activity\/\d+\/not-me)"/.exec((await owner.get('/account/activity')).text) ?? [];
    expect((await owner.submit(link, {}, link)).status).toBe(303);
    expect((await owner.get('/account/email')).text).not.toContain(next);
    await site.worker.sealing.seal();
    const events = await site.sql(
      `SELECT FROM audit_event WHERE subject_id = $1 AND type = 'user_email_change_taken_back'`,
      [userId],
    );
    expect(events).toHaveLength(1);
  });

  test('is not shown once it can’t be confirmed any more', async () => {
    const { member } = await site.registered();
    const next = newEmail();
    await member.submit('/account/email', { email: next });
    await member.submit('/account/password', { current: PASSWORD, password: 'another password of mine' });
    expect((await member.get('/account/email')).text).not.toContain(next);
  });
});

describe('operators', () => {
  async function newOperator() {
    const { email: own } = await site.registered();
    await site.sql("UPDATE user_account SET role = 'operator' WHERE email = $1", [own]);
    const operator = site.browser();
    await operator.logIn(own);
    return { operator, own };
  }

  test('see what waits and what failed, and no link or text of it', async () => {
    const { email } = await site.registered();
    site.server.answerWith((recipient) => (recipient === email ? { code: 550, message: 'no such mailbox' } : null));
    await site.browser().submit('/forgot-password', { email });
    await site.send();
    site.server.answerWith(null);
    const { operator } = await newOperator();
    const page = await operator.get('/operator/mail');
    expect(page.text).toContain(email);
    expect(page.text).toContain('no such mailbox');
    expect(page.text).not.toContain('token=');
  });

  test('invite somebody, who gets the link by mail', async () => {
    const { operator, own } = await newOperator();
    const invited = newEmail();
    const answer = await operator.submit('/operator/users/invite', { email: invited });
    expect([answer.status, answer.headers['location']]).toEqual([303, '/operator/users?done=invited']);
    expect(await site.linkTo(invited)).toMatch(/^\/invitation\?token=/);
    expect((await operator.submit('/operator/users/invite', { email: own })).status).toBe(422);
  });
});

describe('/dev/mail', () => {
  test('shows mail to the machine itself, under its own name and past no proxy', async () => {
    const [dev, itsWorker] = await Promise.all([startWeb(site.stores), openWorker(site.stores)]);
    try {
      const { email } = await site.registered();
      await new Browser(dev.url).submit('/forgot-password', { email });
      await itsWorker.mailDelivery.sendDue();
      const { agent } = new Browser(dev.url);
      const sent = (await agent.get('/forgot-password/sent')).text;
      expect(sent).toContain('This installation sends no mail.');
      expect(sent).toContain('href="/dev/mail"');
      expect((await site.browser().get('/forgot-password/sent')).text).toContain('a link is on its way to it');
      const page = await agent.get('/dev/mail');
      expect(page.status).toBe(200);
      expect(page.text).toMatch(/<a href="http:\/\/localhost:3000\/reset-password\?token=[\w-]{43}">/);
      for (const header of ['X-Forwarded-For', 'Forwarded', 'Via', 'X-Real-IP', 'X-Forwarded-Proto']) {
        expect((await agent.get('/dev/mail').set(header, '203.0.113.9')).status).toBe(404);
      }
      expect((await agent.get('/dev/mail').set('Host', 'rebound.example.org')).status).toBe(404);
    } finally {
      await Promise.all([dev.close(), itsWorker.close()]);
    }
  });

  test('is not there in production, nor where a server takes mail', async () => {
    expect((await site.browser().get('/dev/mail')).status).toBe(404);
    const env = { NODE_ENV: 'production', PUBLIC_URL: 'http://localhost', SESSION_KEYS: 'k'.repeat(32) };
    const production = await startWeb(site.stores, env);
    try {
      const { agent } = new Browser(production.url);
      expect((await agent.get('/dev/mail').set('Host', 'localhost')).status).toBe(404);
    } finally {
      await production.close();
    }
  });

  test('is not there where PUBLIC_URL leads others, whatever NODE_ENV says and whatever host a bare proxy asks for', async () => {
    for (const NODE_ENV of ['development', 'test']) {
      const reached = await startWeb(site.stores, { NODE_ENV, PUBLIC_URL: 'http://login.example.org' });
      try {
        expect(reached.context.mail.possible).toBe(false);
        for (const host of ['127.0.0.1:3000', 'localhost', 'login.example.org']) {
          expect((await new Browser(reached.url).agent.get('/dev/mail').set('Host', host)).status).toBe(404);
        }
      } finally {
        await reached.close();
      }
    }
  });
});
