// The page that asks who somebody is: it says for what, lets go, knows the forgotten password, and comes at the act. What was
// typed before it is still there after it.
import { expect, test } from '@jest/globals';
import { v7 as uuidv7 } from 'uuid';
import { en } from '../../src/web/texts/en.ts';
import { type Browser, newEmail, PASSWORD } from '../support/app.ts';
import { enrol } from '../support/factors.ts';
import { startMailSite } from '../support/mail-site.ts';
import { fieldValue } from '../support/page.ts';

const site = await startMailSite({ REGISTRATION: 'open', SECOND_FACTOR: 'nobody' });

const NOTHING_DONE = 'Nothing was done yet.';

async function member(role: 'member' | 'operator' = 'member') {
  const email = newEmail();
  const registering = site.browser();
  await registering.register(email);
  if (role === 'operator') await site.sql("UPDATE user_account SET role = 'operator' WHERE email_key = $1", [email]);
  const browser = role === 'operator' ? site.browser() : registering;
  if (role === 'operator') await browser.logIn(email);
  const [{ id } = { id: '' }] = await site.sql<{ id: string }>('SELECT id FROM user_account WHERE email_key = $1', [
    email,
  ]);
  const age = () =>
    site.sql(
      `UPDATE session SET created_at = created_at - interval '11 minutes', proved_at = NULL WHERE user_id = $1`,
      [id],
    );
  return { email, browser, id, age };
}

/** The confirmation that an act led to, and the page after it. */
async function confirm(browser: Browser, to: string) {
  const asked = await browser.get(to);
  const next = fieldValue(asked.text, 'next') ?? '';
  const answer = await browser.submit('/confirm', { password: PASSWORD, next }, to);
  expect([answer.status, answer.headers['location']]).toEqual([303, next]);
  return { asked: asked.text, page: await browser.get(next) };
}

test('a new e-mail address is still typed after it, once, and nothing was done before', async () => {
  const { browser, id, age } = await member();
  const typed = newEmail();
  await age();
  expect((await browser.get('/account/email')).status).toBe(200);
  const late = await browser.submit('/account/email', { email: typed });
  expect(await site.sql('SELECT FROM token WHERE user_id = $1', [id])).toEqual([]);
  const { asked, page } = await confirm(browser, late.headers['location'] ?? '');
  expect(asked).toContain('You want to change your e-mail address.');
  expect(asked).toContain('href="/forgot-password"');
  expect(asked).toContain('<a class="button" href="/account/email">Cancel</a>');
  expect(fieldValue(page.text, 'email')).toBe(typed);
  expect(page.text).toContain(NOTHING_DONE);
  const again = await browser.get('/account/email');
  expect([fieldValue(again.text, 'email'), again.text.includes(NOTHING_DONE)]).toEqual(['', false]);
  expect((await browser.submit('/account/email', { email: typed })).headers['location']).toBe('/account/email/sent');
});

test('whoever cancels finds what they typed too', async () => {
  const { browser, age } = await member();
  const typed = newEmail();
  await age();
  const late = await browser.submit('/account/email', { email: typed });
  const cancel = /<a class="button" href="([^"]+)">Cancel/.exec(
    (await browser.get(late.headers['location'] ?? '')).text,
  );
  expect(fieldValue((await browser.get(cancel?.[1] ?? '')).text, 'email')).toBe(typed);
});

test('a form whose session was ended meanwhile waits for the log-in, and is shown to nobody else', async () => {
  const [one, other] = [await member('operator'), await member('operator')];
  const reason = 'Their laptop was stolen';
  for (const path of ['/operator/sessions/end-all', '/operator/groups/create?from=here']) {
    const token = await one.browser.token(path);
    const elsewhere = site.browser();
    await elsewhere.logIn(one.email);
    await elsewhere.submit('/account/sessions/revoke-others', {}, '/account/sessions');
    const form = { reason, password: 'a secret', _csrf: token };
    const late = await one.browser.agent.post(path).redirects(0).type('form').send(form);
    const to = `/login?next=${encodeURIComponent(path)}`;
    expect([late.status, late.headers['location']]).toEqual([303, to]);
    const asked = await one.browser.get(to);
    expect(asked.text).toContain(`${en.login.ended.revoked} ${en.login.formWaits}`);
    await one.browser.logIn(other.email);
    expect((await one.browser.get(path)).text).not.toContain(reason);
    await one.browser.logOut();
    await one.browser.logIn(one.email);
    const page = await one.browser.get(path);
    expect([fieldValue(page.text, 'reason'), page.text.includes(NOTHING_DONE)]).toEqual([reason, true]);
    expect(page.text).not.toContain('a secret');
    expect(fieldValue((await one.browser.get(path)).text, 'reason')).toBe('');
  }
});

test('so does a new address that was typed while its owner logged out in another tab', async () => {
  const { browser, email } = await member();
  const typed = newEmail();
  const token = await browser.token('/account/email');
  await browser.logOut();
  const late = await browser.agent
    .post('/account/email')
    .redirects(0)
    .type('form')
    .send({ email: typed, _csrf: token });
  expect(late.headers['location']).toBe('/login?next=%2Faccount%2Femail');
  expect((await browser.get('/login?next=%2Faccount%2Femail')).text).toContain(en.login.formWaits);
  await browser.logIn(email);
  expect(fieldValue((await browser.get('/account/email')).text, 'email')).toBe(typed);
  await browser.logOut();
  expect((await browser.get('/login')).text).not.toContain(en.login.formWaits);
});

test('so does every other form that was sent after its owner had logged out in another tab, and no attempt is recorded', async () => {
  const { browser, email, id } = await member('operator');
  const viewId = uuidv7();
  const asked = JSON.stringify({ type: 'session_created' });
  await site.sql(`INSERT INTO saved_view (id, user_id, list, name, asked) VALUES ($1, $2, 'audit', 'Before', $3)`, [
    ...[viewId, id, asked],
  ]);
  const forms = [
    ['/operator/groups/create', '/operator/groups/create', 'name', 'a-name'],
    ['/operator/users/invite', '/operator/users/invite', 'email', 'somebody@example.org'],
    ['/operator/views/save?list=audit&type=session_created', null, 'name', 'My sessions'],
    [`/operator/views/${viewId}/rename`, '/operator/views', 'name', 'After'],
    ['/account/sessions/revoke-others', '/account/sessions', null, ''],
  ] as const;
  const head = await site.sql<{ id: string }>('SELECT max(id) AS id FROM outbox');
  for (const [action, of, name, typed] of forms) {
    const page = of ?? action;
    const token = await browser.token(page);
    await browser.logOut();
    const form = { ...(name && { [name]: typed }), _csrf: token };
    const late = await browser.agent.post(action).redirects(0).type('form').send(form);
    const to = `/login?next=${encodeURIComponent(page)}`;
    expect([action, late.status, late.headers['location']]).toEqual([action, 303, to]);
    expect((await browser.get(to)).text).toContain(en.login.formWaits);
    await browser.logIn(email);
    const { text } = await browser.get(page);
    expect(text).toContain(name ? en.keptForm.whole : en.keptForm.nothing);
    if (name) expect(text).toContain(`value="${typed}"`);
  }
  const attempts = `SELECT FROM outbox WHERE id > $1 AND event->>'type' = 'malicious_csrf'`;
  expect(await site.sql(attempts, [head[0]?.id ?? 0])).toEqual([]);
  await browser.logOut();
  const forged = await browser.agent.post('/operator/groups/create').redirects(0).type('form').send({ name: 'x' });
  expect(forged.status).toBe(403);
});

test('a confirmation that comes after a log-out leads on to what it was for', async () => {
  const { browser } = await member();
  const token = await browser.token('/confirm?next=%2Faccount%2Femail');
  await browser.logOut();
  const form = { password: PASSWORD, next: '/account/email', _csrf: token };
  const late = await browser.agent.post('/confirm').redirects(0).type('form').send(form);
  expect([late.status, late.headers['location']]).toEqual([303, '/login?next=%2Faccount%2Femail']);
});

test('a passkey’s new name that is refused is still there', async () => {
  const { browser, id } = await member();
  await browser.get('/account/security');
  const passkey = uuidv7();
  await site.sql(
    `INSERT INTO passkey (id, user_id, credential_id, public_key, counter, name) VALUES ($1::uuid, $2, $1::uuid::text, 'x', 0, 'Key')`,
    [passkey, id],
  );
  const name = 'n'.repeat(61);
  const { status, text } = await browser.submit(
    `/account/security/passkeys/${passkey}/rename`,
    { name },
    '/account/security',
  );
  expect([status, text.includes(`value="${name}"`)]).toEqual([422, true]);
});

test('an operator’s reason is kept, whatever the act', async () => {
  const [operator, other] = [await member('operator'), await member()];
  const reason = 'They asked for it: “änd” <b>';
  await operator.browser.submit('/operator/users/invite', { email: newEmail() });
  const [{ id } = { id: '' }] = await site.sql<{ id: string }>('SELECT id FROM registration');
  const acts = ['users/invitations/ID/revoke', `users/${other.id}/disable`, 'sessions/end-all'];
  for (const path of acts.map((act) => `/operator/${act.replace('ID', id)}`)) {
    await operator.age();
    expect((await operator.browser.get(path)).status).toBe(200);
    const late = await operator.browser.submit(path, { reason, word: 'everybody' });
    const { asked, page } = await confirm(operator.browser, late.headers['location'] ?? '');
    expect(asked).toContain('You want to do something as an operator.');
    expect(page.text).toContain('value="They asked for it: “änd” &lt;b&gt;"');
    expect(page.text).toContain(NOTHING_DONE);
  }
  await operator.age();
  const invited = await operator.browser.submit('/operator/users/invite', { email: 'new@example.org' });
  const { page } = await confirm(operator.browser, invited.headers['location'] ?? '');
  expect(fieldValue(page.text, 'email')).toBe('new@example.org');
});

test.each([
  ['/account/delete', '/account/delete', { understood: 'on' }, 'You want to delete your account.'],
  ['/account/data', '/account/data', {}, 'You want to download your data.'],
  ['/account/sessions/revoke-others', '/account/sessions', {}, 'You want to end your other sessions.'],
  ['/account/devices/forget', '/account/sessions', {}, 'You want to forget known browsers.'],
  ['/account/security/recovery-codes', '/account/security', {}, 'You want to see or make recovery codes.'],
] as const)('%s says what it is for, after its page', async (path, from, fields, says) => {
  const { browser, age } = await member();
  await age();
  const page = await browser.get(from);
  expect(page.status).toBe(200);
  const late = await browser.submit(path, fields, '/profile');
  const { text } = await browser.get(late.headers['location'] ?? '');
  expect(text).toContain(says);
  expect(text).toContain(`<a class="button" href="${from}">Cancel</a>`);
});

test('a page that itself needs it lets go to the page before it', async () => {
  const { browser, age } = await member();
  await age();
  const late = await browser.get('/account/security/authenticator');
  const { text } = await browser.get(late.headers['location'] ?? '');
  expect(text).toContain('You want to set up an authenticator app.');
  expect(text).toContain('<a class="button" href="/account/security">Cancel</a>');
});

test('an answer that keeps a form has a head that proxies take, and of more only where it was sent is kept', async () => {
  const operator = await member('operator');
  await operator.age();
  const path = '/operator/sessions/end-all';
  for (const [length, kept] of [
    [1_900, true],
    [2_500, false],
  ] as const) {
    const reason = 'x'.repeat(length);
    const late = await operator.browser.submit(path, { reason });
    const head = Object.entries(late.headers).join('\r\n').length;
    expect([late.status, head < 3_800]).toEqual([303, true]); // 4,096, but for what HTTPS adds
    const asked = await operator.browser.get(late.headers['location'] ?? '');
    const page = await operator.browser.get(path);
    expect(asked.text).toContain('You want to do something as an operator.');
    expect([page.text.includes(NOTHING_DONE), page.text.includes(reason)]).toEqual([true, kept]);
    expect([page.text.includes('is still here'), page.text.includes('too long to be kept')]).toEqual([kept, !kept]);
  }
});

test('what was typed waits for the page that shows it, past one that can’t', async () => {
  const { browser, age } = await member();
  const typed = newEmail();
  await age();
  const late = await browser.submit('/account/email', { email: typed });
  await site.sql('ALTER TABLE token RENAME TO token_away');
  const failed = await browser.get('/account/email');
  await site.sql('ALTER TABLE token_away RENAME TO token');
  expect([failed.status, failed.text.includes(NOTHING_DONE)]).toEqual([500, false]);
  const { page } = await confirm(browser, late.headers['location'] ?? '');
  expect(fieldValue(page.text, 'email')).toBe(typed);
});

test('no password is kept, and nobody else reads what is: the cookie is encrypted for one account', async () => {
  const [one, other] = [await member(), await member()];
  await enrol(one.browser);
  await one.age();
  const typed = newEmail();
  const late = await one.browser.submit('/account/email', { email: typed, password: 'a secret of mine' }, '/profile');
  const cookie = late.headers['set-cookie']?.toString() ?? '';
  const value = /holdfast_kept_form=([\w-]+)/.exec(cookie)?.[1] ?? '';
  const secret = Buffer.from(value, 'base64url').toString('latin1');
  expect([secret.includes(typed), secret.includes('a secret of mine')]).toEqual([false, false]);
  expect(cookie).toContain('httponly');
  other.browser.agent.jar.setCookie(`holdfast_kept_form=${value}`, '127.0.0.1', '/');
  expect(fieldValue((await other.browser.get('/account/email')).text, 'email')).toBe('');
});

test('a form of an earlier session of one’s own is shown again with what was typed', async () => {
  const { browser } = await member();
  const typed = newEmail();
  const token = await browser.token('/account/email');
  await browser.submit('/confirm', { password: PASSWORD }); // in another tab: the session has another token now
  const answer = await browser.agent
    .post('/account/email')
    .redirects(0)
    .type('form')
    .set('Referer', `${site.web.url}/account/email`)
    .set('Host', new URL(site.web.url).host)
    .send({ email: typed, _csrf: token });
  expect([answer.status, answer.text.includes('Open the form again')]).toEqual([403, true]);
  const page = await browser.get('/account/email');
  expect(fieldValue(page.text, 'email')).toBe(typed);
  expect(page.text).toContain(NOTHING_DONE);
  const forged = await browser.agent
    .post('/account/email')
    .redirects(0)
    .type('form')
    .send({ email: 'evil@example.org' });
  expect(forged.status).toBe(403);
  expect(fieldValue((await browser.get('/account/email')).text, 'email')).toBe('');
});

test('so is one whose browser does not say where it stands', async () => {
  const { browser, email } = await member('operator');
  for (const [page, action, name, typed] of [
    ['/operator/groups/create', '/operator/groups/create', 'name', 'a-name'],
    ['/account/sessions', '/account/sessions/revoke-others', null, ''],
  ] as const) {
    const token = await browser.token(page);
    await browser.logOut();
    await browser.logIn(email);
    const form = { ...(name && { [name]: typed }), _csrf: token };
    const answer = await browser.agent.post(action).redirects(0).type('form').send(form);
    expect([answer.status, answer.text.includes(`href="${page}"`)]).toEqual([403, true]);
    const { text } = await browser.get(page);
    expect(text).toContain(name ? `value="${typed}"` : en.keptForm.nothing);
  }
});

test('what somebody typed reaches nobody who logs in after them in the same browser', async () => {
  const [{ browser }, other] = [await member(), await member()];
  const typed = newEmail();
  const token = await browser.token('/account/email');
  await browser.logOut();
  await browser.logIn(other.email);
  const late = await browser.agent
    .post('/account/email')
    .redirects(0)
    .type('form')
    .set('Referer', `${site.web.url}/account/email`)
    .set('Host', new URL(site.web.url).host)
    .send({ email: typed, _csrf: token });
  expect([late.status, late.text.includes(other.email)]).toEqual([403, true]);
  const page = await browser.get('/account/email');
  expect([page.text.includes(typed), page.text.includes(NOTHING_DONE)]).toEqual([false, false]);
});
