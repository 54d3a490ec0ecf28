// Erasing a person: their address and browser go from everywhere, the chain stays whole, and no other change gets through.
import { describe, expect, test } from '@jest/globals';
import { query } from '../../harness/query.ts';
import { eraseWithin } from '../../src/core/audit/erasure.ts';
import { type BlockNote, NO_ORIGIN } from '../../src/core/audit/events.ts';
import { recordEvent } from '../../src/core/audit/outbox.ts';
import { world } from '../support/world.ts';

const PERSON = '018f0000-0000-7000-8000-000000000001';
const OTHER = '018f0000-0000-7000-8000-000000000002';
const ADDRESS = '203.0.113.77';
const BROWSER = 'a browser that gives its owner away';

const { stores, worker, sql, openAs } = await world({ webs: 0, worker: true });
const web = await openAs('web');

const erase = (userId: string) => web.database.prisma.$transaction((transaction) => eraseWithin(transaction, userId));

const BLOCK = { scope: 'account_client', key: `ac:AAAA:${ADDRESS}`, lastsMs: 60_000, failures: 5 } as const;

async function record(actor: string | null, subject: string | null, block?: BlockNote): Promise<void> {
  const origin = { ip: ADDRESS, userAgent: BROWSER, requestId: null };
  const event = { type: 'authn_login_fail', outcome: 'failure', actor, subject, origin } as const;
  await web.database.prisma.$transaction((transaction) =>
    recordEvent(transaction, event, subject === PERSON ? { identifierHash: 'AAAA' } : undefined, block),
  );
}

/** An account as its deletion leaves it. */
const deleted = (id: string) =>
  sql(
    `INSERT INTO user_account (id, email, email_key, password_hash, disabled_at, deleted_at)
     VALUES ($1::uuid, 'deleted:' || $1::text, 'deleted:' || $1::text, '', now(), now())`,
    [id],
  );

/** Every row of every table, as text: whatever is added later is searched too. */
async function everything(): Promise<string> {
  const tables = await sql<{ name: string }>(
    `SELECT format('%I', relname) AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition`,
  );
  const rows = await Promise.all(tables.map(({ name }) => sql(`SELECT to_jsonb(t) AS row FROM ${name} AS t`)));
  return JSON.stringify(rows);
}

test('takes address and browser out of all that was theirs, sealed and waiting, and nothing else', async () => {
  await deleted(PERSON);
  await sql(
    `INSERT INTO session (id, token_hash, user_id, remember, idle_timeout_seconds, idle_deadline, absolute_deadline, ip, user_agent,
                          ended_at, end_reason)
     VALUES (gen_random_uuid(), '\\x01', $1, false, 60, now(), now(), $2, $3, now(), 'account_deleted')`,
    [PERSON, ADDRESS, BROWSER],
  );
  await record(PERSON, PERSON);
  await record(null, PERSON);
  await record(PERSON, OTHER);
  await record(null, PERSON, { ...BLOCK, id: '018f0000-0000-7000-8000-00000000000a' });
  await worker.sealing.seal();
  await record(null, PERSON, { ...BLOCK, id: '018f0000-0000-7000-8000-00000000000b' });
  expect(await erase(PERSON)).toBe(5);
  expect(await everything()).not.toMatch(/203\.0\.113\.77|gives its owner away/);
  await worker.sealing.seal();
  expect(await everything()).not.toMatch(/203\.0\.113\.77|gives its owner away/);
  expect(await web.verification.verify()).toMatchObject({ intact: true, count: 6, erased: 4 });
  expect(await sql('SELECT id FROM login_attempt WHERE user_id = $1', [PERSON])).toEqual([]);
  const [told] = await sql(`SELECT detail, subject_id, ip FROM audit_event WHERE type = 'personal_data_erased'`);
  expect(told).toEqual({ detail: { events: 5 }, subject_id: PERSON, ip: null });
});

test('leaves what others did to them, and what others did', async () => {
  await record(OTHER, PERSON);
  await record(OTHER, OTHER);
  await record(null, null);
  await worker.sealing.seal();
  expect(await erase(PERSON)).toBe(0);
  const rows = await sql('SELECT ip FROM audit_event WHERE ip IS NOT NULL');
  expect(rows).toHaveLength(3);
});

test('of more events than one statement takes, the worker erases the rest before the account’s row goes', async () => {
  const id = '018f0000-0000-7000-8000-000000000003';
  await sql(
    `INSERT INTO user_account (id, email, email_key, password_hash) VALUES ($1, 'many@example.org', 'many@example.org', '')`,
    [id],
  );
  await sql(
    `INSERT INTO outbox (event) SELECT jsonb_build_object('type', 'authn_login_success', 'outcome', 'success', 'ip', $2::text,
       'userAgent', $3::text, CASE n % 2 WHEN 0 THEN 'actor' ELSE 'subject' END, $1::text) FROM generate_series(1, 25000) AS n`,
    [id, ADDRESS, BROWSER],
  );
  await worker.sealing.seal();
  const left = async () =>
    Number(
      (
        await sql<{ n: string }>(
          'SELECT count(*) AS n FROM audit_event WHERE $1 IN (actor_id, subject_id) AND ip IS NOT NULL',
          [id],
        )
      )[0]?.n,
    );
  const told = { from: { at: new Date().toISOString(), device: '', ip: null }, language: 'en' } as const;
  await web.accountDeletion.delete({ userId: id, sessionId: null, origin: NO_ORIGIN, told });
  expect(await left()).toBe(15_000);
  await worker.accountDeletion.finish();
  expect(await left()).toBe(0);
  expect(await sql('SELECT FROM user_account WHERE id = $1', [id])).toEqual([]);
  await worker.sealing.seal();
  const events = await sql<{ n: string }>(
    `SELECT detail->>'events' AS n FROM audit_event WHERE type = 'personal_data_erased' AND subject_id = $1 ORDER BY seq`,
    [id],
  );
  expect(events.map(({ n }) => Number(n)).reduce((sum, n) => sum + n)).toBeGreaterThanOrEqual(25_000);
  expect((await web.verification.verify()).intact).toBe(true);
});

test('reaches what is being sealed at that moment', async () => {
  const before = Number((await sql<{ seq: string }>('SELECT seq FROM audit_head'))[0]?.seq);
  for (let n = 0; n < 20; n += 1) {
    await record(PERSON, PERSON);
    await Promise.all([worker.sealing.seal(), erase(PERSON)]);
  }
  await worker.sealing.seal();
  const left = await sql('SELECT seq FROM audit_event WHERE seq > $1 AND actor_id = $2 AND ip IS NOT NULL', [
    before,
    PERSON,
  ]);
  expect(left).toEqual([]);
  expect((await web.verification.verify()).intact).toBe(true);
});

describe('the database', () => {
  const code = async (url: string, text: string) =>
    String(((await query(url, text).catch((one: unknown) => one)) as { code?: string }).code ?? 'none');

  test.each([
    'UPDATE audit_event SET ip = NULL',
    'UPDATE audit_event SET ip = NULL, user_agent = NULL',
    `UPDATE audit_event SET ip = '192.0.2.1', user_agent = NULL, personal_salt = NULL`,
    `UPDATE audit_event SET ip = NULL, user_agent = NULL, personal_salt = NULL, outcome = 'success'`,
    `UPDATE audit_event SET ip = NULL, user_agent = NULL, personal_salt = NULL, detail = detail || '{"a": 1.0}'`,
    `UPDATE audit_event SET ip = NULL, user_agent = NULL, personal_salt = NULL, hash = prev_hash`,
    'UPDATE audit_event SET personal_salt = personal_hash',
  ])('refuses even its owner: %s', async (text) => {
    await record(null, null);
    await worker.sealing.seal();
    expect(await code(stores.database.ownerUrl, `${text} WHERE personal_salt IS NOT NULL`)).toBe('42501');
  });

  test('lets nothing come back that was erased', async () => {
    const text = `UPDATE audit_event SET ip = '192.0.2.1' WHERE personal_salt IS NULL`;
    expect(await code(stores.database.ownerUrl, text)).toBe('42501');
  });

  test('lets neither process erase but by the function', async () => {
    const text = 'UPDATE audit_event SET ip = NULL, user_agent = NULL, personal_salt = NULL';
    for (const url of [stores.database.webUrl, stores.database.workerUrl]) expect(await code(url, text)).toBe('42501');
  });
});
