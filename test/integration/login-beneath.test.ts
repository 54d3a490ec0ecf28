// An account that changes while somebody logs in to it: the log-in has read it, waits for the change, and goes by what it is now.
// And a log-in whose record can't be written is none. A change of the password takes its locks in the order of everything else.
import { describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { until } from '../../harness/until.ts';
import { Browser, newEmail, PASSWORD } from '../support/app.ts';
import { world } from '../support/world.ts';

const { stores, web, worker, sql, newMember } = await world({ worker: true });

async function somebodyWaits(): Promise<boolean> {
  const waiting = await sql(
    `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
  );
  return waiting.length > 0;
}

/** What a log-in is answered that had read the account before the change, and waited for its end. */
async function logInDuring(email: string, change: string, values: unknown[]) {
  const changing = new pg.Client({ connectionString: stores.database.superuserUrl });
  await changing.connect();
  try {
    await changing.query('BEGIN');
    await changing.query('SELECT FROM user_account WHERE email = $1 FOR UPDATE', [email]);
    await changing.query(change, values);
    const answer = new Browser(web.url).logIn(email);
    await until(somebodyWaits);
    await changing.query('COMMIT');
    const { status, headers } = await answer;
    return { status, location: headers['location'] as string | undefined };
  } finally {
    await changing.end();
  }
}

const sessionsOf = (id: string) => sql('SELECT proved FROM session WHERE user_id = $1', [id]);

describe('a log-in, while the account', () => {
  test('is disabled, is refused', async () => {
    const { email, id } = await newMember();
    const answer = await logInDuring(email, 'UPDATE user_account SET disabled_at = now() WHERE id = $1', [id]);
    expect(answer.status).toBe(401);
    expect(await sessionsOf(id)).toHaveLength(1);
  });

  test('gets another password, is refused', async () => {
    const [{ email, id }, other] = [await newMember(), await newMember()];
    const change = `UPDATE user_account SET password_hash = $2 WHERE id = $1`;
    const hash = await web.context.passwords.hash(`not the password of ${other.email}`, null);
    expect((await logInDuring(email, change, [id, hash])).status).toBe(401);
    expect(await sessionsOf(id)).toHaveLength(1);
  });

  test('gets a second factor, is asked for it', async () => {
    const { email, id } = await newMember();
    const change = `INSERT INTO totp (user_id, secret, last_step) VALUES ($1, '\\x00', 0)`;
    expect(await logInDuring(email, change, [id])).toEqual({ status: 303, location: '/login/second-factor' });
    expect(await sessionsOf(id)).toHaveLength(1);
  });

  test('becomes an operator’s, begins an operator’s session', async () => {
    const { email, id } = await newMember();
    const change = `UPDATE user_account SET role = 'operator' WHERE id = $1`;
    expect((await logInDuring(email, change, [id])).status).toBe(303);
    const rows = await sql<{ seconds: number }>(
      'SELECT idle_timeout_seconds AS seconds FROM session WHERE user_id = $1 ORDER BY created_at DESC',
      [id],
    );
    expect(rows.map(({ seconds }) => seconds * 1_000)).toEqual([
      web.context.config.session.operator.idleTimeoutMs,
      web.context.config.session.standard.idleTimeoutMs,
    ]);
  });
});

test('a change of the password that waits for its account holds no session, so that whoever has the account may end it', async () => {
  const email = newEmail();
  const browser = new Browser(web.url);
  await browser.register(email);
  const token = await browser.token('/account/password');
  const ending = new pg.Client({ connectionString: stores.database.superuserUrl });
  await ending.connect();
  try {
    await ending.query('BEGIN');
    const { rows } = await ending.query('SELECT id FROM user_account WHERE email = $1 FOR UPDATE', [email]);
    const form = { current: PASSWORD, password: 'another long password', _csrf: token };
    const changing = browser.agent.post('/account/password').redirects(0).type('form').send(form);
    const answer = changing.then(({ status }) => status);
    await until(somebodyWaits);
    await ending.query('SELECT FROM session WHERE user_id = $1 FOR UPDATE NOWAIT', [rows[0]?.id]);
    await ending.query('COMMIT');
    expect(await answer).toBe(303);
  } finally {
    await ending.end();
  }
});

test('a log-in that can’t be recorded is none: no session, no known browser', async () => {
  const { email, id } = await newMember();
  const devices = () => sql('SELECT FROM known_device WHERE user_id = $1', [id]);
  const before = (await devices()).length;
  await sql('REVOKE INSERT ON outbox FROM holdfast_web');
  try {
    expect((await new Browser(web.url).logIn(email)).status).toBeGreaterThanOrEqual(500);
  } finally {
    await sql('GRANT INSERT ON outbox TO holdfast_web');
  }
  expect([(await sessionsOf(id)).length, (await devices()).length]).toEqual([1, before]);
  expect((await new Browser(web.url).logIn(email)).status).toBe(303);
  expect([(await sessionsOf(id)).length, (await devices()).length]).toEqual([2, before + 1]);
  await worker.sealing.seal();
  const events = await sql(
    `SELECT type FROM audit_event WHERE subject_id = $1 AND type IN ('session_created', 'authn_login_success') ORDER BY seq`,
    [id],
  );
  expect(events.slice(-2)).toEqual([{ type: 'session_created' }, { type: 'authn_login_success' }]);
});
