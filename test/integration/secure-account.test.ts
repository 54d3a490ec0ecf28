// Securing an account, whole or not at all: sessions here and at applications, the password from wherever it came, the browsers,
// the mail. And whose browser is a stranger after its session was ended.
import { describe, expect, test } from '@jest/globals';
import { until } from '../../harness/until.ts';
import { NO_ORIGIN } from '../../src/core/audit/events.ts';
import { Browser, PASSWORD } from '../support/app.ts';
import { commandLine } from '../support/command-line.ts';
import { world } from '../support/world.ts';

const { web, worker, stores, sql, redis, newMember, newOperator, startWeb } = await world({ worker: true });
const chief = await newOperator();
const by = { actor: null, origin: NO_ORIGIN };

/** Until somebody waits for a lock. */
const somebodyWaits = () =>
  until(async () => {
    const waiting = await sql(
      `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    );
    return waiting.length > 0;
  });

async function eventsAbout(id: string, type: string) {
  await worker.sealing.seal();
  return sql<{ actor_id: string | null; session_id: string | null; detail: Record<string, unknown> }>(
    'SELECT actor_id, session_id, detail FROM audit_event WHERE subject_id = $1 AND type = $2 ORDER BY seq',
    [id, type],
  );
}

const path = (id: string, what = 'secure') => `/operator/users/${id}/${what}`;
const secure = (id: string, fields: Record<string, string> = {}) =>
  chief.browser.submit(path(id), { reason: 'somebody in Lima', ...fields });

/** What a person's account is made of, for before and after. */
const stateOf = (id: string) =>
  sql(
    `SELECT u.password_hash, u.version,
            (SELECT count(*) FROM session WHERE user_id = u.id AND ended_at IS NULL)::int AS live,
            (SELECT count(*) FROM known_device WHERE user_id = u.id AND revoked_at IS NULL)::int AS known,
            (SELECT count(*) FROM mail WHERE user_id = u.id)::int AS mails,
            (SELECT count(*) FROM token WHERE user_id = u.id)::int AS links,
            (SELECT count(*) FROM outbox WHERE event->>'subject' = u.id::text AND event->>'type' <> 'sensitive_read')::int AS events
       FROM user_account u WHERE id = $1`,
    [id],
  );

async function atAnApplication(userId: string): Promise<void> {
  await sql(
    `WITH app AS (INSERT INTO application (id, slug, name, url, host) VALUES (gen_random_uuid(), $2, 'Wiki', 'https://' || $2, $2) RETURNING id)
     INSERT INTO session (id, token_hash, user_id, remember, idle_timeout_seconds, idle_deadline, absolute_deadline, parent_id, application_id, login_id)
     SELECT gen_random_uuid(), sha256($2::bytea), s.user_id, false, 3600, now() + interval '1 hour', now() + interval '1 hour', s.id, app.id, s.id
       FROM app, session AS s WHERE s.user_id = $1 AND s.ended_at IS NULL LIMIT 1`,
    [userId, `wiki-${userId.slice(-12)}`],
  );
}

describe('securing an account', () => {
  test('says what it will do, and does all of it at once', async () => {
    const { id, browser, email } = await newMember();
    const elsewhere = new Browser(web.url);
    await elsewhere.logIn(email);
    await atAnApplication(id);
    const page = await chief.browser.get(path(id));
    for (const words of ['no browser is known', '2 sessions', 'goes to this address by mail'])
      expect(page.text).toContain(words);
    expect(page.text).not.toContain('name="factors"'); // there is none to keep or to remove
    const answer = await secure(id);
    expect([answer.status, answer.headers['location']]).toEqual([303, `/operator/users/${id}?done=account-secured`]);
    expect([await browser.profile(), await elsewhere.profile()]).toEqual([303, 303]);
    expect((await new Browser(web.url).logIn(email)).status).toBe(401);
    expect(await stateOf(id)).toMatchObject([{ live: 0, known: 0, version: 1 }]);
    expect(await sql('SELECT recipient, template FROM mail WHERE user_id = $1', [id])).toContainEqual({
      recipient: email,
      template: 'account-secured',
    });
    const [event, ...more] = await eventsAbout(id, 'user_secured');
    expect(more).toEqual([]);
    const counts = { sessions: 3, browsers: 2, factors: 'kept', mailed: true };
    expect(event).toMatchObject({ actor_id: chief.id, detail: { reason: 'somebody in Lima', ...counts } });
    expect(event?.session_id).not.toBeNull();
    expect(await eventsAbout(id, 'session_ended')).toHaveLength(3);
    expect((await chief.browser.get(`/operator/users/${id}`)).text).toContain('user_secured');
  });

  test('its owner comes back by the link, and older links lead nowhere', async () => {
    const { id, email } = await newMember();
    const { resetLinks, links, database } = web.context;
    const older = await resetLinks.reveal(id, by);
    await secure(id);
    const [token] = await sql<{ id: string }>(
      `SELECT token_id AS id FROM mail WHERE user_id = $1 AND template = 'account-secured'`,
      [id],
    );
    const secret = await database.transact((transaction) => links.revealWithin(transaction, token?.id ?? ''));
    const choose = async (link: string | null) => {
      const visitor = new Browser(web.url);
      await visitor.get(`/reset-password?token=${link}`);
      return visitor.get('/reset-password');
    };
    expect((await choose(older)).text).not.toContain('name="password"');
    const visitor = new Browser(web.url);
    await visitor.get(`/reset-password?token=${secret}`);
    const fields = { password: 'quite another password' };
    expect((await visitor.submit('/reset-password', fields)).status).toBe(303);
    expect((await new Browser(web.url).logIn(email, 'quite another password')).status).toBe(303);
  });

  test('second factors stay, and go only where the box is ticked', async () => {
    const withApp = async () => {
      const { id } = await newMember();
      await sql(`INSERT INTO totp (user_id, secret, last_step) VALUES ($1, '\\x00', 0)`, [id]);
      return id;
    };
    const [kept, removed] = [await withApp(), await withApp()];
    expect((await chief.browser.get(path(kept))).text).toContain('name="factors"');
    await secure(kept);
    await secure(removed, { factors: 'on' });
    expect(await sql('SELECT user_id AS id FROM totp WHERE user_id = ANY ($1)', [[kept, removed]])).toEqual([
      { id: kept },
    ]);
    expect(await eventsAbout(kept, 'authn_factor_removed')).toEqual([]);
    expect(await eventsAbout(removed, 'authn_factor_removed')).toHaveLength(1);
    expect((await eventsAbout(removed, 'user_secured'))[0]?.detail).toMatchObject({ factors: 'removed' });
    const parameters = await sql(`SELECT parameters FROM mail WHERE user_id = $1 AND template = 'account-secured'`, [
      removed,
    ]);
    expect(parameters).toEqual([{ parameters: { factors: 'removed' } }]);
  });

  test('whoever decided before another operator did it is told, and it is done once', async () => {
    const { id } = await newMember();
    const seen = /name="seen" value="(\d+)"/.exec((await chief.browser.get(path(id))).text)?.[1] ?? '';
    expect((await secure(id, { seen })).status).toBe(303);
    const again = await secure(id, { seen });
    expect(again.status).toBe(409);
    expect(again.text).toContain('Secured');
    expect(await eventsAbout(id, 'user_secured')).toHaveLength(1);
  });

  test('an address that moved lately is said: the link would go to the new one', async () => {
    const { id } = await newMember();
    await sql(
      `INSERT INTO token (id, purpose, user_id, expires_at) VALUES (gen_random_uuid(), 'undo_email_change', $1, now() + interval '1 day')`,
      [id],
    );
    expect((await chief.browser.get(path(id))).text).toContain('the former mailbox can still take the account back');
  });

  test('a fault in its last step leaves everything as it was', async () => {
    const { id, browser, email } = await newMember();
    const before = await stateOf(id);
    await sql(`CREATE FUNCTION no_mail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                 RAISE EXCEPTION 'the disk is full' USING ERRCODE = '53100'; END $$;
               CREATE TRIGGER no_mail BEFORE INSERT ON mail FOR EACH ROW EXECUTE FUNCTION no_mail()`);
    try {
      expect((await secure(id)).status).toBe(503);
    } finally {
      await sql('DROP TRIGGER no_mail ON mail; DROP FUNCTION no_mail');
    }
    expect(await stateOf(id)).toEqual(before);
    expect(await browser.profile()).toBe(200);
    expect((await new Browser(web.url).logIn(email)).status).toBe(303);
    expect((await secure(id)).status).toBe(303);
  });

  test('the command does the same, and says why', async () => {
    const { id, browser, email } = await newMember();
    const { code, out } = await commandLine(stores)(['user', 'secure', email, '--reason', 'asked by phone', '--yes']);
    expect([code, out]).toEqual([0, expect.stringContaining('is secured')]);
    expect(await browser.profile()).toBe(303);
    expect((await eventsAbout(id, 'user_secured'))[0]).toMatchObject({
      actor_id: null,
      detail: { by: 'cli', reason: 'asked by phone' },
    });
  });

  test('a log-in whose form comes a second time meanwhile does not stand in its way', async () => {
    const { id } = await newMember();
    const { database, secureAccount, startAgain } = web.context;
    const sessionId = async () =>
      (await sql<{ id: string }>('SELECT id FROM session WHERE user_id = $1 AND ended_at IS NULL', [id]))[0]?.id ?? '';
    const again = async (deviceCookie: string) =>
      startAgain({ sessionId: await sessionId(), userId: id }, { origin: NO_ORIGIN, deviceCookie });
    const begun = await again('');
    const [secured, late] = await database.transact(async (transaction) => {
      await transaction.$queryRaw`SELECT FROM user_account WHERE id = ${id}::uuid FOR UPDATE`;
      const waits = again(begun?.deviceCookie ?? '');
      waits.catch(() => undefined);
      await somebodyWaits();
      return [await secureAccount.secureWithin(transaction, { userId: id, by }), { waits }] as const;
    });
    expect(secured).toMatchObject({ ok: true, sessions: 1 });
    expect(await late.waits).toBeNull();
    expect(await stateOf(id)).toMatchObject([{ live: 0, known: 0 }]);
  });

  test('the worker can take a password away, and give none', async () => {
    const { id } = await newMember();
    const given = worker.database.prisma
      .$executeRaw`UPDATE user_account SET password_hash = 'x' WHERE id = ${id}::uuid`;
    await expect(given).rejects.toThrow(/permission denied/);
    await expect(worker.database.prisma.$queryRaw`SELECT password_hash FROM user_account`).rejects.toThrow(
      /permission denied/,
    );
    expect(await worker.secureAccount.secure({ userId: id, by })).toMatchObject({ ok: true, sessions: 1, browsers: 1 });
  });
});

describe('the browser of a session that was ended', () => {
  const known = async (id: string) => {
    const [row] = await sql<{ known: number }>(
      'SELECT count(*)::int AS known FROM known_device WHERE user_id = $1 AND revoked_at IS NULL',
      [id],
    );
    return row?.known;
  };
  const sessionsOf = (id: string) =>
    sql<{ id: string }>('SELECT id FROM session WHERE user_id = $1 AND ended_at IS NULL ORDER BY created_at, id', [id]);

  async function twoBrowsers() {
    const member = await newMember();
    const elsewhere = new Browser(web.url);
    await elsewhere.logIn(member.email);
    const [own, other] = await sessionsOf(member.id);
    expect(await known(member.id)).toBe(2);
    return { ...member, elsewhere, own: own?.id ?? '', other: other?.id ?? '' };
  }

  test('is a stranger where an operator ended it, and the other stays known', async () => {
    const { id, browser, other } = await twoBrowsers();
    const act = path(id, `sessions/${other}/revoke`);
    expect((await chief.browser.submit(act, { reason: 'not theirs' })).status).toBe(303);
    expect(await known(id)).toBe(1);
    expect(await browser.profile()).toBe(200);
    const [event] = await eventsAbout(id, 'known_devices_forgotten');
    expect(event).toMatchObject({
      actor_id: chief.id,
      detail: { count: 1, by: 'session_ended', reason: 'not theirs' },
    });
  });

  test('is a stranger where its owner ended it from elsewhere', async () => {
    const { id, browser, elsewhere, other } = await twoBrowsers();
    await browser.submit(`/account/sessions/${other}/revoke`, {}, '/account/sessions');
    expect([await known(id), await elsewhere.profile()]).toEqual([1, 303]);
  });

  test('stays known after a log-out, a new password, a change of role, and the end of everybody’s sessions', async () => {
    const { id, elsewhere } = await twoBrowsers();
    await elsewhere.logOut();
    expect(await known(id)).toBe(2);
    await web.context.users.setDisabled(id, true, by);
    await web.context.users.setDisabled(id, false, by);
    expect(await known(id)).toBe(2);
    const { endAllSessions } = web.context;
    const other = await twoBrowsers();
    await endAllSessions.ask({
      actor: null,
      origin: NO_ORIGIN,
      reason: 'a test',
      kept: (await sessionsOf(chief.id))[0]?.id ?? '',
    });
    await worker.endAllSessions.endRemaining();
    expect(await sessionsOf(other.id)).toEqual([]);
    expect(await known(other.id)).toBe(2);
  });

  test('is that of the log-in, however often its session was replaced since', async () => {
    const { id, browser, other, elsewhere } = await twoBrowsers();
    await elsewhere.submit('/confirm', { password: PASSWORD, next: '/profile' });
    const now = (await sessionsOf(id)).at(-1)?.id ?? '';
    expect(now).not.toBe(other);
    await browser.submit(`/account/sessions/${now}/revoke`, {}, '/account/sessions');
    expect([await known(id), await elsewhere.profile()]).toEqual([1, 303]);
  });

  test('stays known where another live session is in it', async () => {
    const { id, own, other } = await twoBrowsers();
    await sql('UPDATE session SET device_id = (SELECT device_id FROM session WHERE id = $1) WHERE id = $2', [
      own,
      other,
    ]);
    await web.context.sessions.end(
      { sessionId: other, ownerId: id },
      { reason: 'revoked', actor: id, origin: NO_ORIGIN },
    );
    expect(await known(id)).toBe(2);
  });

  test('is a stranger where what else is in it has run out', async () => {
    const { id, own, other } = await twoBrowsers();
    await sql(
      `UPDATE session SET device_id = (SELECT device_id FROM session WHERE id = $1), idle_deadline = now() - interval '1 minute'
        WHERE id = $2`,
      [own, other],
    );
    await web.context.sessions.end(
      { sessionId: own, ownerId: id },
      { reason: 'revoked', actor: id, origin: NO_ORIGIN },
    );
    expect(await known(id)).toBe(1);
  });

  test('logs in again meanwhile, where the account has as many sessions as it may: neither waits for the other', async () => {
    const { id, email, own, other, elsewhere } = await twoBrowsers();
    await sql('UPDATE session SET device_id = (SELECT device_id FROM session WHERE id = $1) WHERE id = $2', [
      other,
      own,
    ]);
    await elsewhere.logOut();
    await new Browser(web.url).logIn(email);
    await sql(`UPDATE session SET last_seen_at = last_seen_at - interval '1 hour' WHERE id = $1`, [own]);
    const few = await startWeb({ SESSIONS_PER_ACCOUNT: '2' });
    const back = new Browser(few.url);
    for (const cookie of elsewhere.agent.jar.getCookies({
      path: '/',
      domain: '127.0.0.1',
      secure: false,
      script: false,
    }))
      back.agent.jar.setCookie(cookie);
    const { database, sessions } = web.context;
    const { login } = await database.transact(async (transaction) => {
      await transaction.$queryRaw`SELECT FROM session WHERE id = ${own}::uuid FOR UPDATE`;
      const login = back.logIn(email);
      await somebodyWaits();
      await sessions.endWithin(transaction, { sessionId: own }, { reason: 'revoked', actor: id, origin: NO_ORIGIN });
      return { login };
    });
    expect((await login).status).toBe(303);
    expect(await sessionsOf(id)).toHaveLength(2);
  });

  test('one that an older version began is ended all the same', async () => {
    const { id, other, elsewhere } = await twoBrowsers();
    await sql('UPDATE session SET device_id = NULL WHERE id = $1', [other]);
    await redis.ping();
    expect((await chief.browser.submit(path(id, `sessions/${other}/revoke`), { reason: 'not theirs' })).status).toBe(
      303,
    );
    expect([await known(id), await elsewhere.profile()]).toEqual([2, 303]);
  });
});
