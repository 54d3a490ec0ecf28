// The last log-in of everybody: taken from the sealed log, each event once, whatever happens in between; the list of people by it.
import { beforeAll, describe, expect, test } from '@jest/globals';
import { createLastLogins } from '../../src/core/accounts/last-logins.ts';
import { NO_ORIGIN } from '../../src/core/audit/events.ts';
import { inTransaction } from '../../src/core/platform/postgres/connection.ts';
import { handlers } from '../../worker/handlers.ts';
import { Browser } from '../support/app.ts';
import { linkTo } from '../support/page.ts';
import { world } from '../support/world.ts';

const { web, worker, sql, newMember, newOperator } = await world({ worker: true });
const { browser: operator } = await newOperator();

const keepUp = () => handlers['index-details'](worker, {});

async function lastLogin(id: string): Promise<Date | null> {
  const [row] = await sql<{ at: Date | null }>('SELECT last_login_at AS at FROM user_account WHERE id = $1', [id]);
  return row?.at ?? null;
}

async function loggedIn(id: string): Promise<Date | undefined> {
  const [row] = await sql<{ at: Date }>(
    `SELECT max(occurred_at) AS at FROM audit_event WHERE actor_id = $1 AND type = 'authn_login_success'`,
    [id],
  );
  return row?.at;
}

describe('the worker', () => {
  test('notes the newest log-in of each account, never an older one, and nothing twice', async () => {
    const { id, email } = await newMember();
    await new Browser(web.url).logIn(email);
    await worker.sealing.seal();
    await keepUp();
    const first = await loggedIn(id);
    expect(await lastLogin(id)).toEqual(first);
    expect(await worker.lastLogins.keepUp()).toBe(0);
    await new Browser(web.url).logIn(email, 'not the password at all'); // is none
    await worker.sealing.seal();
    await keepUp();
    expect(await lastLogin(id)).toEqual(first);
    await new Browser(web.url).logIn(email);
    await worker.sealing.seal();
    await sql(`UPDATE noted_log_ins SET seq = 0`); // as before its first pass
    expect(await worker.lastLogins.keepUp()).toBe(1);
    expect(await lastLogin(id)).toEqual(await loggedIn(id));
    expect(await lastLogin(id)).not.toEqual(first);
  });

  test('leaves the log where it was if it is stopped in between, and goes on', async () => {
    const { id, email } = await newMember();
    await new Browser(web.url).logIn(email);
    await worker.sealing.seal();
    const [before] = await sql('SELECT seq FROM noted_log_ins');
    await sql(
      `CREATE FUNCTION refuse_last_login() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'stopped'; END $$`,
    );
    await sql(
      'CREATE TRIGGER refuse_last_login BEFORE UPDATE OF last_login_at ON user_account FOR EACH ROW EXECUTE FUNCTION refuse_last_login()',
    );
    await expect(worker.lastLogins.keepUp()).rejects.toThrow('stopped');
    expect(await sql('SELECT seq FROM noted_log_ins')).toEqual([before]);
    await sql('DROP TRIGGER refuse_last_login ON user_account');
    await worker.lastLogins.keepUp();
    expect(await lastLogin(id)).toEqual(await loggedIn(id));
  });

  test('does it once where two are at it, and holds nobody up who logs in meanwhile', async () => {
    const { id, email } = await newMember();
    await new Browser(web.url).logIn(email);
    await worker.sealing.seal();
    const both = await Promise.all([createLastLogins(worker).keepUp, worker.lastLogins.keepUp].map((run) => run()));
    expect(both.reduce((sum, noted) => sum + noted, 0)).toBeLessThanOrEqual(1);
    await worker.lastLogins.keepUp();
    expect(await lastLogin(id)).toEqual(await loggedIn(id));
  });

  test('forgets it with the account', async () => {
    const { id } = await newMember();
    await sql('UPDATE user_account SET last_login_at = now() WHERE id = $1', [id]);
    const told = { from: { at: new Date().toISOString(), device: '', ip: null }, language: 'en' } as const;
    await web.context.accountDeletion.delete({ userId: id, sessionId: null, origin: NO_ORIGIN, told });
    expect(await lastLogin(id)).toBeNull();
    await worker.sealing.seal();
    await sql('UPDATE noted_log_ins SET seq = 0');
    await worker.lastLogins.keepUp();
    expect(await lastLogin(id)).toBeNull();
  });
});

describe('the list of people', () => {
  const ADDRESS = /data-open title="([^"]+)"/g;
  const COUNT = 120;

  beforeAll(async () => {
    // Every third never logged in; of every tenth only the first log-in is known.
    await sql(
      `INSERT INTO user_account (id, email, email_key, password_hash, created_at, first_login_at, last_login_at)
       SELECT gen_random_uuid(), 'sorted-' || n || '@example.org', 'sorted-' || n || '@example.org', '', now() - ((n * 7) % 120) * interval '1 hour',
              CASE WHEN n % 3 <> 0 THEN now() - n / 4 * interval '1 day' END,
              CASE WHEN n % 3 <> 0 AND n % 10 <> 0 THEN now() - (n * 11 % 40) * interval '1 minute' END
         FROM generate_series(1, ${COUNT}) AS n`,
    );
  });

  async function walk(path: string, link: string): Promise<{ shown: string[]; last: string }> {
    const shown: string[] = [];
    let last = path;
    for (let next: string | undefined = path; next !== undefined; ) {
      last = next;
      const { status, text } = await operator.get(next);
      expect([next, status]).toEqual([next, 200]);
      shown.push(...[...text.matchAll(ADDRESS)].map((match) => match[1] ?? ''));
      next = linkTo(text, link);
    }
    return { shown, last };
  }

  const inOrder = async (order: string) => {
    const rows = await sql<{ email: string }>(
      `SELECT email FROM user_account WHERE email LIKE 'sorted-%' ORDER BY ${order}`,
    );
    return rows.map(({ email }) => email);
  };

  test.each([
    ['login', `coalesce(last_login_at, first_login_at, '-infinity') DESC, id DESC`],
    ['created', 'created_at DESC, id DESC'],
    ['', 'email_key'],
  ])('sorted by %j is walked to the end and back, each once', async (sort, order) => {
    const expected = await inOrder(order);
    const there = await walk(`/operator/users?q=sorted-&sort=${sort}`, 'Next');
    expect(there.shown).toEqual(expected);
    expect(decodeURIComponent(there.last)).not.toContain('@');
    const back = await walk(there.last, 'Previous');
    expect(new Set(back.shown)).toEqual(new Set(expected));
    expect(back.shown.slice(-50)).toEqual(expected.slice(0, 50));
  });

  test('is narrowed to who never logged in, and says when the others did', async () => {
    const never = await walk('/operator/users?q=sorted-&login=never', 'Next');
    expect(never.shown.toSorted()).toEqual(
      (await inOrder('email_key')).filter((email) => Number(/\d+/.exec(email)?.[0]) % 3 === 0).toSorted(),
    );
    const { text } = await operator.get('/operator/users?q=sorted-&login=never&sort=login');
    expect(text).toContain('Never logged in');
    expect(text).toContain('title="Only those">never</a>');
    expect(text).toContain('by last log-in, the newest first');
    expect((await operator.get('/operator/users?q=sorted-&login=ever')).text).toContain('>80 people');
    expect((await operator.get('/operator/users?sort=height')).status).toBe(422);
    expect((await operator.get('/operator/users?login=often')).status).toBe(422);
    const gone = await operator.get('/operator/users?sort=login&after=018f0000-0000-7000-8000-00000000dead');
    expect(gone.text).toContain('There is nobody on this page.');
  });

  test('takes its order from an index', async () => {
    const plans = [
      [
        `deleted_at IS NULL ORDER BY coalesce(last_login_at, first_login_at, '-infinity'::timestamptz) DESC, id DESC`,
        'user_account_last_login',
      ],
      [
        `deleted_at IS NULL AND (created_at, id) < (now(), gen_random_uuid()) ORDER BY created_at DESC, id DESC`,
        'user_account_created',
      ],
      [
        'first_login_at IS NULL AND last_login_at IS NULL AND deleted_at IS NULL ORDER BY email_key',
        'user_account_never_logged_in',
      ],
    ];
    await inTransaction(web.context.database.pool, async (client) => {
      await client.query('SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off');
      for (const [where, index] of plans) {
        const { rows } = await client.query(`EXPLAIN SELECT id FROM user_account WHERE ${where} LIMIT 51`);
        expect(rows.map((row) => row['QUERY PLAN']).join('\n')).toContain(String(index));
      }
    });
  });
});
