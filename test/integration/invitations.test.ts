// Pending invitations: operators see each with what became of its mail, send it again and revoke it, with a reason that is
// recorded; a link that no longer works leads to somebody who can invite.
import { describe, expect, test } from '@jest/globals';
import { NO_ORIGIN } from '../../src/core/audit/events.ts';
import { Browser, newEmail, PASSWORD } from '../support/app.ts';
import { world } from '../support/world.ts';

const { web, other, worker, sql, newMember, newOperator, startWeb } = await world({
  webs: [{}, { SERVICE_CONTACT: 'help@example.org' }],
  worker: true,
  watched: true,
});
/** Where addresses are verified first. */
const verifying = await startWeb({ REGISTRATION: 'verify' });
const chief = await newOperator();
const LIST = '/operator/users/invitations';

const rowsOf = (html: string) =>
  [...html.matchAll(/<tr role="row" id="invitation-([\w-]+)">(.*?)<\/tr>/gs)].map(([, id = '', row = '']) => ({
    id,
    text: row
      .replaceAll(/<[^>]*>/g, ' ')
      .replaceAll(/\s+/g, ' ')
      .trim(),
  }));
const rowOf = async (email: string) => {
  const { text } = await chief.browser.get(LIST);
  return rowsOf(text).find((row) => row.text.includes(email));
};
const invite = (email: string, fields: Readonly<Record<string, string>> = {}) =>
  chief.browser.submit('/operator/users/invite', { email, ...fields });

/** The link's secret as the worker's mail would have it. */
async function reveal(id: string): Promise<string> {
  const [token] = await sql<{ id: string }>('SELECT id FROM token WHERE registration_id = $1 AND used_at IS NULL', [
    id,
  ]);
  const secret = await worker.database.transact((transaction) =>
    worker.links.revealWithin(transaction, token?.id ?? ''),
  );
  return secret ?? '';
}

async function open(secret: string, url = web.url) {
  const guest = new Browser(url);
  await guest.get(`/invitation?token=${secret}`);
  return { guest, page: await guest.get('/invitation') };
}

const eventsAbout = async (id: string) => {
  await worker.sealing.seal();
  return sql<{ type: string; actor_id: string; detail: object }>(
    'SELECT type, actor_id, detail FROM audit_event WHERE subject_id = $1 ORDER BY seq',
    [id],
  );
};

test('are listed from the moment that they are made until they are accepted', async () => {
  const email = newEmail();
  await invite(email);
  const waiting = await rowOf(email);
  expect(waiting?.text).toContain(`${email} mail waits`);
  expect(waiting?.text).toContain(`invited by ${chief.email}`);
  const secret = await reveal(waiting?.id ?? '');
  expect((await rowOf(email))?.text).toMatch(/works until \d+ \w+( \d{4})?, \d\d:\d\d:\d\d/);
  await sql("UPDATE mail SET ended_at = now(), outcome = 'sent' WHERE recipient = $1", [email]);
  expect((await rowOf(email))?.text).toContain('mail sent');
  await sql("UPDATE mail SET outcome = 'failed' WHERE recipient = $1", [email]);
  expect((await rowOf(email))?.text).toContain('mail failed');
  await sql('DELETE FROM mail WHERE recipient = $1', [email]);
  expect((await rowOf(email))?.text).toContain('link given out');
  const { guest } = await open(secret);
  const accepted = await guest.submit('/invitation', { password: PASSWORD });
  expect(accepted.status).toBe(303);
  expect(await rowOf(email)).toBeUndefined();
});

test('one whose link has run out is said to be expired, and can be sent again', async () => {
  const email = newEmail();
  await invite(email);
  const { id = '' } = (await rowOf(email)) ?? {};
  const first = await reveal(id);
  await sql("UPDATE mail SET ended_at = now(), outcome = 'sent' WHERE recipient = $1", [email]);
  await sql("UPDATE token SET expires_at = now() - interval '1 minute' WHERE registration_id = $1", [id]);
  expect((await rowOf(email))?.text).toContain('expired');
  const path = `${LIST}/${id}/send-again`;
  const page = (await chief.browser.get(path)).text;
  expect(page).toContain(email);
  expect(page).toContain('the link before works no longer');
  expect((await chief.browser.submit(path, { reason: ' ' }, path)).status).toBe(422);
  const sent = await chief.browser.submit(path, { reason: 'they asked' }, path);
  expect([sent.status, sent.headers['location']]).toEqual([303, `${LIST}?done=invited`]);
  expect((await rowOf(email))?.text).toContain('mail waits');
  expect(await sql('SELECT FROM mail WHERE recipient = $1 AND ended_at IS NULL', [email])).toHaveLength(1);
  const second = await reveal(id);
  expect((await open(first)).page.status).toBe(410);
  expect((await open(second)).page.status).toBe(200);
  expect((await eventsAbout(id)).at(-1)).toEqual({
    type: 'user_invited',
    actor_id: chief.id,
    detail: { how: 'mail', again: true, reason: 'they asked' },
  });
});

test('one that is revoked leads nowhere, and who comes too late is told', async () => {
  const email = newEmail();
  await invite(email);
  const { id = '' } = (await rowOf(email)) ?? {};
  const secret = await reveal(id);
  const path = `${LIST}/${id}/revoke`;
  const token = await chief.browser.token(path);
  const revoked = await chief.browser.submit(path, { reason: 'wrong person' }, path);
  expect([revoked.status, revoked.headers['location']]).toEqual([303, `${LIST}?done=invitation-revoked`]);
  expect((await chief.browser.get(`${LIST}?done=invitation-revoked`)).text).toContain('That invitation was revoked.');
  expect(await rowOf(email)).toBeUndefined();
  expect((await open(secret)).page.status).toBe(410);
  expect(await eventsAbout(id)).toContainEqual({
    type: 'user_invitation_revoked',
    actor_id: chief.id,
    detail: { reason: 'wrong person' },
  });
  for (const act of ['revoke', 'send-again']) {
    const late = await chief.browser.agent
      .post(`${LIST}/${id}/${act}`)
      .redirects(0)
      .type('form')
      .send({ reason: 'late', _csrf: token });
    expect([act, late.status]).toEqual([act, 404]);
  }
  expect((await eventsAbout(id)).filter(({ type }) => type === 'user_invitation_revoked')).toHaveLength(1);
  // Of two at the same moment one acts.
  const again = newEmail();
  await invite(again);
  const found = (await web.context.pendingInvitations.list(10)).find((one) => one.email === again);
  const by = { actor: chief.id, origin: NO_ORIGIN, reason: 'r' };
  const results = await Promise.all([1, 2].map(() => web.context.pendingInvitations.revoke(found?.id ?? '', by)));
  expect(results.toSorted()).toEqual([false, true]);
});

test('one whose e-mail address has an account by now is not pending, and is not sent', async () => {
  const email = newEmail();
  await invite(email);
  const invitation = (await web.context.pendingInvitations.list(10)).find((one) => one.email === email);
  await new Browser(web.url).register(email);
  expect(await rowOf(email)).toBeUndefined();
  if (!invitation) throw new Error('it was pending');
  const told = { language: 'en', from: { at: new Date().toISOString(), device: '', ip: null } } as const;
  const by = { actor: chief.id, origin: NO_ORIGIN };
  expect(await web.context.pendingInvitations.sendAgain(invitation, told, by)).toEqual({
    ok: false,
    reason: 'email_taken',
  });
});

test('those of people who registered themselves are not among them', async () => {
  const email = newEmail();
  await sql(
    `INSERT INTO registration (id, email, email_key, password_hash, expires_at)
     VALUES (gen_random_uuid(), $1, $1, 'x', now() + interval '1 day')`,
    [email],
  );
  expect(await rowOf(email)).toBeUndefined();
  const [row] = await sql<{ id: string }>('SELECT id FROM registration WHERE email = $1', [email]);
  const by = { actor: chief.id, origin: NO_ORIGIN };
  await sql(
    `INSERT INTO token (id, purpose, registration_id, expires_at)
     VALUES (gen_random_uuid(), 'confirm_registration', $1, now() + interval '1 day')`,
    [row?.id],
  );
  expect(await web.context.pendingInvitations.revoke(row?.id ?? '', by)).toBe(false);
  expect(await sql('SELECT FROM token WHERE registration_id = $1 AND used_at IS NULL', [row?.id])).toHaveLength(1);
  expect((await chief.browser.get(`${LIST}/${row?.id}/revoke`)).status).toBe(404);
});

describe('nobody who registers an address', () => {
  const origin = { ip: '203.0.113.7', userAgent: null, requestId: 'register' };
  const told = { language: 'en', from: { at: '2026-12-01T09:00:00Z', device: 'Firefox', ip: null } } as const;
  const ask = (email: string, password = PASSWORD) =>
    verifying.context.verifiedRegistration.ask({ email, password, browser: '', origin, told });

  const WAYS: Readonly<Record<string, (email: string) => Promise<unknown>>> = {
    'while logged in': async (email) => {
      const somebody = await newMember();
      const browser = new Browser(verifying.url);
      await browser.logIn(somebody.email);
      const answer = await browser.submit('/register', { email, password: PASSWORD }, '/profile');
      expect([answer.status, answer.headers['location']]).toEqual([303, '/profile']);
    },
    'in a browser without a secret': async (email) => expect(await ask(email)).toEqual({ ok: true }),
  };

  test.each(Object.keys(WAYS))('%s, takes its invitation out of the operators’ hands', async (how) => {
    const [revoked, replaced] = [newEmail(), newEmail()];
    for (const email of [revoked, replaced]) {
      await invite(email, { auditor: 'on' });
      await WAYS[how]?.(email);
    }

    const { id = '' } = (await rowOf(revoked)) ?? {};
    const path = `${LIST}/${id}/revoke`;
    const first = await reveal(id);
    expect((await chief.browser.submit(path, { reason: 'wrong person' }, path)).status).toBe(303);
    expect((await open(first)).page.status).toBe(410);

    const { id: old = '' } = (await rowOf(replaced)) ?? {};
    const asAuditor = await reveal(old);
    await invite(replaced);
    expect((await open(asAuditor)).page.status).toBe(410);
    const { id: now = '' } = (await rowOf(replaced)) ?? {};
    const { guest } = await open(await reveal(now));
    expect((await guest.submit('/invitation', { password: PASSWORD })).status).toBe(303);
    expect((await web.context.users.findByEmail(replaced))?.role).toBe('member');
  });

  test('makes the link of its invitation lead to a password that another chose', async () => {
    const email = newEmail();
    await invite(email, { auditor: 'on' });
    const { id = '' } = (await rowOf(email)) ?? {};
    const secret = await reveal(id);
    // As an older version did.
    await sql("UPDATE registration SET password_hash = 'x' WHERE id = $1", [id]);
    expect((await open(secret)).page.status).toBe(410);
  });

  test('changes the registration of another whose browser is not known either', async () => {
    const email = newEmail();
    await ask(email, 'what the first has chosen');
    const hashes = () =>
      sql<{ hash: string }>('SELECT password_hash AS hash FROM registration WHERE email = $1 ORDER BY id', [email]);
    const first = await hashes();
    await ask(email, 'what the second has chosen');
    expect(await hashes()).toEqual([...first, { hash: expect.any(String) }]);
  });
});

test('a dead link leads to somebody who can invite, and names nobody', async () => {
  const dead = 'A'.repeat(43);
  const plain = (await open(dead)).page;
  expect(plain.status).toBe(410);
  expect(plain.text).toContain('Ask whoever invited you, or an operator of this service');
  expect(plain.text).not.toContain(chief.email);
  const asked = (await open(dead, other.url)).page;
  expect(asked.text).toContain(
    '<a class="button primary" href="mailto:help@example.org">Ask for another invitation</a>',
  );
  await chief.browser.get(`/invitation?token=${dead}`);
  const own = await chief.browser.get('/invitation');
  expect(own.text).toContain(`href="${LIST}"`);
  const member = await newMember();
  await member.browser.get(`/invitation?token=${dead}`);
  expect((await member.browser.get('/invitation')).text).not.toContain('/operator/');
});
