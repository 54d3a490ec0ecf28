// Whoever wants several rows takes them in one order (docs/architecture.md), so that of two who want some of the same one
// waits and never both. Each test has two meet in the middle, at a row that it holds itself until both have come.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { until } from '../../harness/until.ts';
import { NO_ORIGIN } from '../../src/core/audit/events.ts';
import { cleanupMails, cleanupTokens } from '../../worker/jobs/cleanup.ts';
import { newEmail, PASSWORD } from '../support/app.ts';
import { world } from '../support/world.ts';

const { stores, sql, newMember, startWeb, openWorker } = await world();
// Where two wait for each other PostgreSQL ends neither, so nobody can begin again: both run into their time limit.
const { pathname } = new URL(stores.database.superuserUrl);
await sql(`ALTER DATABASE ${pathname.slice(1)} SET deadlock_timeout TO '5min'`);
const { context: web } = await startWeb({ REGISTRATION: 'verify' });
const worker = await openWorker();

const origin = { ip: '203.0.113.7', userAgent: null, requestId: 'locks' };
const told = { language: 'en', from: { at: '2026-12-01T09:00:00Z', device: 'Firefox', ip: null } } as const;
const by = { actor: null, origin: NO_ORIGIN };
const visit = { previousSessionId: null, remember: false, origin, deviceCookie: '' };

let holder: pg.Client;

beforeEach(async () => {
  holder = new pg.Client({ connectionString: stores.database.superuserUrl });
  await holder.connect();
  await holder.query('BEGIN');
});

afterEach(() => holder.end());

const hold = (table: string, id: string) => holder.query(`SELECT FROM ${table} WHERE id = $1 FOR UPDATE`, [id]);

const waiting = async (count: number) => {
  const rows = await sql(
    `SELECT DISTINCT pid FROM pg_locks JOIN pg_stat_activity USING (pid)
      WHERE NOT granted AND pg_stat_activity.datname = current_database()`,
  );
  return rows.length === count;
};

/** What becomes of two that both come to wait, the first before the second, once what is held is let go. */
async function meet<One, Other>(first: () => Promise<One>, second: () => Promise<Other>): Promise<[One, Other]> {
  const one = first();
  one.catch(() => undefined);
  await until(() => waiting(1));
  const other = second();
  other.catch(() => undefined);
  await until(() => waiting(2));
  await holder.query('COMMIT');
  return Promise.all([one, other]);
}

async function idOf(table: string, where: string, value: string): Promise<string> {
  const [row] = await sql<{ id: string }>(`SELECT id FROM ${table} WHERE ${where} = $1 ORDER BY id DESC LIMIT 1`, [
    value,
  ]);
  return row?.id ?? '';
}

/** The newest link of a registration, with a secret as the worker's mail would have it. */
async function reveal(registrationId: string): Promise<string> {
  const token = await idOf('token', 'registration_id', registrationId);
  return (await worker.database.transact((transaction) => worker.links.revealWithin(transaction, token))) ?? '';
}

async function asked(email: string, browser: string) {
  expect(await web.verifiedRegistration.ask({ email, password: PASSWORD, browser, origin, told })).toEqual({
    ok: true,
  });
  const id = await idOf('registration', 'email', email);
  const secret = await reveal(id);
  const confirming = { secret, browser, password: PASSWORD, visit, language: 'en' } as const;
  return { id, confirm: () => web.verifiedRegistration.confirm(confirming) };
}

async function invited(email: string) {
  const invite = () => web.invitations.invite(email, told, by, { reveal: false });
  await invite();
  const id = await idOf('registration', 'email', email);
  const secret = await reveal(id);
  const found = await web.pendingInvitations.find(id);
  if (!found) throw new Error('it is pending');
  return {
    id,
    accept: async () => (await web.invitations.accept({ secret, password: PASSWORD, visit, language: 'en' })).ok,
    acts: {
      'invites again': async () => (await invite()).ok,
      'sends it again': async () => (await web.pendingInvitations.sendAgain(found, told, by)).ok,
      'revokes it': () => web.pendingInvitations.revoke(id, by),
    },
  };
}

describe('about one address', () => {
  test('of two links that are confirmed at once, one makes the account and the other says so', async () => {
    const email = newEmail();
    const [one, other] = [await asked(email, 'one'), await asked(email, 'other')];
    await hold('registration', one.id);
    const results = await meet(one.confirm, other.confirm);
    expect(results).toEqual([expect.objectContaining({ ok: true }), { ok: false, reason: 'email_taken', email }]);
  });

  /** As two sendings at the same instant leave it: another row, of a greater id, which stands before the first. */
  async function doubled(id: string): Promise<void> {
    await sql(
      `INSERT INTO registration (id, email, email_key, password_hash, browser_hash, expires_at)
       SELECT overlay(id::text PLACING 'f' FROM 1 FOR 1)::uuid, email, email_key, password_hash, browser_hash, expires_at
         FROM registration WHERE id = $1`,
      [id],
    );
    await sql("UPDATE registration SET expires_at = expires_at + interval '1 second' WHERE id = $1", [id]);
  }

  test('a form is sent again while one of two links of the same browser is confirmed', async () => {
    const email = newEmail();
    const { id, confirm } = await asked(email, 'one');
    await doubled(id);
    await hold('registration', id);
    const again = { email, password: PASSWORD, browser: 'one', origin, told };
    const [confirmed, sent] = await meet(confirm, () => web.verifiedRegistration.ask(again));
    expect([confirmed.ok, sent.ok]).toEqual([true, true]);
  });

  test('an operator invites again while one of two invitations is accepted', async () => {
    const { id, accept, acts } = await invited(newEmail());
    await doubled(id);
    await hold('registration', id);
    expect(await meet(accept, acts['invites again'])).toEqual([true, true]);
  });

  test.each(['invites again', 'sends it again', 'revokes it'] as const)(
    'one accepts an invitation while an operator %s',
    async (act) => {
      const early = await invited(newEmail());
      await hold('registration', early.id);
      expect(await meet(early.acts[act], early.accept)).toEqual([true, false]);
      const late = await invited(newEmail());
      await holder.query('BEGIN');
      await hold('registration', late.id);
      // Who is invited again by then is told that there is an account.
      expect(await meet(late.accept, late.acts[act])).toEqual([true, act === 'invites again']);
    },
  );

  test('an operator invites again while the first mail is sent', async () => {
    const email = newEmail();
    await worker.mailDelivery.sendDue();
    const { id, acts } = await invited(email);
    await hold('token', await idOf('token', 'registration_id', id));
    await meet(acts['invites again'], () => worker.mailDelivery.sendDue());
    const mails = await sql('SELECT outcome FROM mail WHERE recipient = $1 ORDER BY created_at', [email]);
    expect(mails).toEqual([{ outcome: 'dropped' }, { outcome: 'sent' }]);
  });
});

describe('about one account', () => {
  async function asking() {
    const { id: userId } = await newMember();
    const sessionId = await idOf('session', 'user_id', userId);
    const ask = (email: string) => web.requestEmailChange({ userId, sessionId, email, origin, told });
    await ask(newEmail());
    return { userId, sessionId, ask, token: await idOf('token', 'user_id', userId) };
  }

  test('one asks for another address while a log-in is disowned', async () => {
    const { userId, sessionId, ask, token } = await asking();
    await hold('token', token);
    const disown = () => web.disownLogin({ userId, sessionId, login: null, origin });
    const [answer] = await meet(() => ask(newEmail()), disown);
    expect(answer).toEqual({ ok: true });
  });

  test('one takes a change of address back and holds no link before the account', async () => {
    const { userId, token } = await asking();
    await hold('user_account', userId);
    const taking = web.pendingEmailChanges.takeBack(userId, { actor: userId, origin });
    taking.catch(() => undefined);
    await until(() => waiting(1));
    await holder.query('SELECT FROM token WHERE id = $1 FOR UPDATE NOWAIT', [token]);
    await holder.query('COMMIT');
    expect(await taking).toBe(true);
  });
});

describe('what has served its time and is held goes the next time:', () => {
  const OLD = "now() - interval '2 years'";
  const ROWS: Readonly<Record<string, { insert: string; clean: typeof cleanupMails }>> = {
    token: {
      insert: `INSERT INTO token (id, purpose, expires_at) VALUES ($1, 'reset_password', ${OLD})`,
      clean: cleanupTokens,
    },
    mail: {
      insert: `INSERT INTO mail (id, recipient, template, language, created_at, ended_at, outcome)
               VALUES ($1, 'a@example.org', 'welcome', 'en', ${OLD}, ${OLD}, 'sent')`,
      clean: cleanupMails,
    },
    registration: {
      insert: `INSERT INTO registration (id, email, email_key, expires_at) VALUES ($1, 'a@example.org', 'a@example.org', ${OLD})`,
      clean: cleanupMails,
    },
  };

  test.each(Object.keys(ROWS))('%s', async (table) => {
    const { insert = '', clean = cleanupMails } = ROWS[table] ?? {};
    const ids = ['00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000000002'];
    for (const id of ids) await sql(insert, [id]);
    const left = () => sql(`SELECT id FROM ${table} WHERE id = ANY ($1) ORDER BY id`, [ids]);
    await hold(table, ids[0] ?? '');
    await clean(worker);
    expect(await left()).toEqual([{ id: ids[0] }]);
    await holder.query('COMMIT');
    await clean(worker);
    expect(await left()).toEqual([]);
  });

  test('the mail of a deleted account, and the account after it', async () => {
    const { id } = await newMember();
    await sql('DELETE FROM session WHERE user_id = $1', [id]);
    await sql('UPDATE user_account SET deleted_at = now(), erased_at = now() WHERE id = $1', [id]);
    const mail = '00000000-0000-7000-8000-000000000003';
    await sql(
      "INSERT INTO mail (id, recipient, user_id, template, language) VALUES ($1, 'a@example.org', $2, 'welcome', 'en')",
      [mail, id],
    );
    await hold('mail', mail);
    expect(await worker.accountDeletion.finish()).toBe(0);
    await holder.query('COMMIT');
    expect(await worker.accountDeletion.finish()).toBe(1);
    expect(await sql('SELECT FROM mail WHERE id = $1', [mail])).toEqual([]);
  });
});
