// What a person may do with all that is known of them: take it along, and have it deleted; the log stays whole.
import { describe, expect, test } from '@jest/globals';
import { v7 as uuidv7 } from 'uuid';
import { query } from '../../harness/query.ts';
import { NO_ORIGIN } from '../../src/core/audit/events.ts';
import { recordEvent } from '../../src/core/audit/outbox.ts';
import { Browser, PASSWORD } from '../support/app.ts';
import { world } from '../support/world.ts';

const BY = { actor: null, origin: NO_ORIGIN };
const { stores, web, other, worker, newMember } = await world({ webs: 2, worker: true });

const ask = <Row extends object>(sql: string, values: readonly unknown[] = []) =>
  query<Row>(stores.database.superuserUrl, sql, [...values]);
const typesAbout = async (id: string) =>
  (await ask<{ type: string }>('SELECT type FROM audit_event WHERE subject_id = $1 ORDER BY seq', [id])).map(
    ({ type }) => type,
  );
/** A second factor of every kind, with secrets that can be looked for. */
async function giveFactors(id: string): Promise<void> {
  await ask("INSERT INTO totp (user_id, secret, last_step) VALUES ($1, 'SECRET-OF-APP', 0)", [id]);
  await ask("INSERT INTO recovery_code (user_id, code_hash, salt) VALUES ($1, 'SECRET-OF-CODE', 'SALT')", [id]);
  await ask(
    `INSERT INTO passkey (id, user_id, credential_id, public_key, counter, transports, name)
     VALUES (gen_random_uuid(), $1::uuid, 'credential-' || $1::text, 'SECRET-OF-KEY', 0, '{}', 'A phone')`,
    [id],
  );
}
const factorsOf = (id: string) =>
  ask(
    'SELECT FROM totp WHERE user_id = $1 UNION ALL SELECT FROM recovery_code WHERE user_id = $1 UNION ALL SELECT FROM passkey WHERE user_id = $1',
    [id],
  );
const sessionBegan = (id: string, ago: string) =>
  ask(`UPDATE session SET created_at = clock_timestamp() - interval '${ago}' WHERE user_id = $1`, [id]);

describe('the data of a person', () => {
  test('are all there, as JSON, with nothing secret and nothing of anybody else', async () => {
    const { email, browser, id } = await newMember();
    await new Browser(web.url).logIn(email, 'not the password');
    await worker.sealing.seal();
    const chief = await newMember();
    const origin = { ip: '192.0.2.77', userAgent: 'Operator/1.0', requestId: 'x' };
    const reason = 'her neighbour complained';
    await web.context.users.setDisabled(id, true, { actor: chief.id, origin, reason });
    const command = { user: 'root-of-all', host: 'inner.example', reason };
    await web.context.users.setDisabled(id, false, { actor: null, origin: { ...NO_ORIGIN, command } });
    await browser.logIn(email);
    const group = await web.context.groups.create('night-shift', BY);
    if (group.ok) await web.context.groups.add(group.group.id, id, BY);
    await worker.sealing.seal();
    await ask('DELETE FROM mail WHERE user_id = $1', [id]);
    for (const [template, parameters] of [
      ['password-changed', { at: 'then' }],
      ['alert', { whom: chief.email }],
    ])
      await ask(
        `INSERT INTO mail (id, recipient, user_id, template, parameters, language) VALUES ($1, $2, $3, $4, $5, 'en')`,
        [uuidv7(), email, id, template, parameters],
      );
    const answer = await browser.submit('/account/data', {});
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(answer.headers['content-disposition']).toMatch(/^attachment; filename="account-\d{4}-\d\d-\d\d\.json"$/);
    expect(answer.headers['cache-control']).toBe('no-store');
    const data = JSON.parse(answer.text);
    expect(Object.keys(data)).toEqual([
      ...[
        'madeAt',
        'account',
        'groups',
        'secondFactors',
        'usualLogIns',
        'apiTokens',
        'savedViews',
        'sessions',
        'knownBrowsers',
        'loginAttempts',
        'mails',
        'events',
      ],
    ]);
    expect(data.account).toMatchObject({ id, email, role: 'member' });
    expect(data.groups).toMatchObject([{ name: 'night-shift', since: expect.stringMatching(/^\d{4}-/) }]);
    expect(data.sessions).toHaveLength(2);
    expect(data.loginAttempts.map(({ outcome }: { outcome: string }) => outcome).sort()).toEqual([
      'failure',
      'success',
    ]);
    expect(data.mails).toEqual([
      expect.objectContaining({ recipient: email, template: 'password-changed', parameters: { at: 'then' } }),
      expect.not.objectContaining({ parameters: expect.anything() }),
    ]);
    const seen = new Map(data.events.map((event: { type: string }) => [event.type, event]));
    expect(seen.get('user_disabled')).toMatchObject({ by: 'an operator', about: 'you' });
    expect(seen.get('user_enabled')).toMatchObject({ by: 'an operator', about: 'you' });
    expect(seen.get('session_ended')).toMatchObject({ by: 'an operator', detail: { reason: 'account_disabled' } });
    for (const word of ['root-of-all', 'inner.example', 'neighbour']) expect(answer.text).not.toContain(word);
    expect(seen.get('user_created')).toMatchObject({ by: 'you', ip: '127.0.0.1' });
    for (const secret of ['192.0.2.77', 'Operator/1.0', chief.id, chief.email, 'argon2', 'Hash', 'salt'])
      expect(answer.text).not.toContain(secret);
    await worker.sealing.seal();
    expect(await typesAbout(id)).toContain('user_data_exported');
  });

  test('tell of second factors, not of their secrets; with the account these go', async () => {
    const { browser, id } = await newMember();
    await giveFactors(id);
    expect(await factorsOf(id)).toHaveLength(3);
    const { text } = await browser.submit('/account/data', {});
    const { secondFactors } = JSON.parse(text);
    expect(secondFactors).toMatchObject({ recoveryCodesLeft: 1, passkeys: [{ name: 'A phone' }] });
    expect(secondFactors.authenticatorApp.createdAt).toMatch(/^\d{4}-/);
    expect(text).not.toMatch(/SECRET|U0VDUkVU|SALT/);
    expect((await browser.submit('/account/delete', { understood: 'on' })).status).toBe(303);
    expect(await factorsOf(id)).toEqual([]);
  });

  test('of an auditor have the role that counts, and the tokens without their secrets', async () => {
    const { id, email, browser } = await newMember();
    await web.context.users.setRole(id, 'auditor', BY);
    const told = {
      language: 'en',
      from: { at: new Date().toISOString(), device: 'the command line', ip: null },
    } as const;
    const made = await web.context.apiTokens.create({ userId: id, name: 'a collector', days: 30, by: BY, told });
    const other = await newMember();
    const asked = { person: other.id };
    await web.context.savedViews.save({ userId: id, list: 'audit', name: 'The chief', asked });
    await browser.logIn(email);
    const { text } = await browser.submit('/account/data', {});
    const { account, apiTokens, savedViews } = JSON.parse(text);
    expect(savedViews).toMatchObject([{ list: 'audit', name: 'The chief' }]);
    expect(text).not.toContain(other.id);
    expect(account.role).toBe('auditor');
    expect(Object.keys(account)).not.toContain('auditor');
    expect(apiTokens).toMatchObject([{ name: 'a collector', lastUsedAt: null, revokedAt: null }]);
    expect(text).not.toMatch(/[hH]ash/);
    if (made.ok) expect(text).not.toContain(made.secret);
  });

  test('come whole however many there are, and each once', async () => {
    const { browser, id } = await newMember();
    const about = { outcome: 'success', actor: id, subject: id, origin: NO_ORIGIN } as const;
    await web.context.database.prisma.$transaction(
      async (transaction) => {
        for (let index = 0; index < 1_100; index += 1)
          await recordEvent(transaction, { type: 'sensitive_read', ...about, detail: { index } });
      },
      { timeout: 60_000 },
    );
    await worker.sealing.seal();
    const { events } = JSON.parse((await browser.submit('/account/data', {})).text);
    const indexes = events.filter(({ type }: { type: string }) => type === 'sensitive_read');
    expect(indexes.map(({ detail }: { detail: { index: number } }) => detail.index)).toEqual([...Array(1_100).keys()]);
  });

  test.each(['/account/data', '/account/delete'])('%s asks who it is, and the act for a fresh log-in', async (path) => {
    const stranger = new Browser(web.url);
    expect((await stranger.get(path)).headers['location']).toBe(`/login?next=${encodeURIComponent(path)}`);
    const { browser, id } = await newMember();
    const token = await browser.token(path);
    await sessionBegan(id, '11 minutes');
    const confirm = `/confirm?next=${encodeURIComponent(path)}`;
    expect((await browser.get(path)).status).toBe(200); // it says what it would do
    const sent = browser.agent.post(path).redirects(0).type('form');
    const answer = await sent.send({ _csrf: token, understood: 'on' });
    expect([answer.status, answer.headers['location']]).toEqual([303, confirm]);
    expect(await browser.profile()).toBe(200);
  });
});

describe('deleting an account', () => {
  test('ends its sessions everywhere at once, frees the address, and leaves nothing personal behind', async () => {
    const { email, browser, id } = await newMember();
    const phone = new Browser(other.url);
    await phone.logIn(email);
    await new Browser(web.url).logIn(email, 'not the password');
    await worker.sealing.seal();
    const answer = await browser.submit('/account/delete', { understood: 'on' });
    expect([answer.status, answer.headers['location']]).toEqual([303, '/?done=account-deleted']);
    expect((await browser.get('/?done=account-deleted')).text).toContain('Your account was deleted');
    expect(await phone.profile()).toBe(303);
    expect((await phone.get('/login')).text).toContain('This account was deleted.');
    expect(await browser.profile()).toBe(303);

    // Whoever tries it learns what they would learn of any address.
    expect((await new Browser(web.url).logIn(email)).status).toBe(401);
    expect((await new Browser(web.url).logIn(`deleted:${id}`, '')).status).toBe(422);
    expect((await new Browser(web.url).logIn(`deleted:${id}`, 'x')).status).toBe(401);

    await worker.sealing.seal();
    await worker.accountDeletion.finish();
    expect(await typesAbout(id)).toContain('user_deleted');
    expect(await worker.verification.verify()).toMatchObject({ intact: true, erased: expect.any(Number) });
    const traces = `SELECT FROM audit_event WHERE (actor_id = $1 OR (subject_id = $1 AND actor_id IS NULL)) AND ip IS NOT NULL`;
    expect(await ask(traces, [id])).toEqual([]);
    const kept = await ask<{ text: string }>(
      `SELECT row_to_json(u)::text AS text FROM user_account u WHERE id = $1
       UNION ALL SELECT row_to_json(s)::text FROM session s WHERE user_id = $1
       UNION ALL SELECT row_to_json(a)::text FROM login_attempt a WHERE user_id = $1`,
      [id],
    );
    expect(kept).toHaveLength(3); // the empty account and its two sessions
    for (const { text } of kept) expect(text).not.toMatch(/example\.org|argon2|127\.0\.0\.1/);

    const again = new Browser(web.url);
    expect((await again.register(email)).status).toBe(303);
    expect((await web.context.users.findByEmail(email))?.id).not.toBe(id);
  });

  test('takes the row too, once its sessions are past their deadlines', async () => {
    const { browser, id } = await newMember();
    await browser.submit('/account/delete', { understood: 'on' });
    expect(await worker.accountDeletion.finish()).toBe(0);
    await ask('DELETE FROM session WHERE user_id = $1', [id]);
    expect(await worker.accountDeletion.finish()).toBeGreaterThan(0);
    expect(await ask('SELECT FROM user_account WHERE id = $1', [id])).toHaveLength(0);
  });

  test('needs the tick, and is not done by a double click twice', async () => {
    const { browser, id } = await newMember();
    const unsure = await browser.submit('/account/delete', {});
    expect(unsure.status).toBe(422);
    expect(unsure.text).toContain('Tick the box if you want this.');
    const token = await browser.token('/account/delete');
    const send = () =>
      browser.agent.post('/account/delete').redirects(0).type('form').send({ _csrf: token, understood: 'on' });
    const answers = await Promise.all([send(), send()]);
    for (const { status } of answers) expect(status).toBe(303);
    await worker.sealing.seal();
    expect((await typesAbout(id)).filter((type) => type === 'user_deleted')).toHaveLength(1);
  });

  test('is refused to the last operator, and to neither of two by accident', async () => {
    const chiefs = await Promise.all([newMember(), newMember()]);
    for (const { id, email, browser } of chiefs) {
      await web.context.users.setRole(id, 'operator', { actor: null, origin: NO_ORIGIN });
      await browser.logIn(email, PASSWORD);
    }
    const tokens = await Promise.all(chiefs.map(({ browser }) => browser.token('/account/delete')));
    const send = ({ browser }: (typeof chiefs)[number], token: string | undefined) =>
      browser.agent
        .post('/account/delete')
        .redirects(0)
        .type('form')
        .send({ _csrf: token ?? '', understood: 'on' });
    const answers = await Promise.all(chiefs.map((chief, index) => send(chief, tokens[index])));
    expect(answers.map(({ status }) => status).sort()).toEqual([303, 422]);
    expect(answers.find(({ status }) => status === 422)?.text).toContain('You are the last operator.');
  });
});
