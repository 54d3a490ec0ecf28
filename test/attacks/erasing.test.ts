// Erasing as somebody with a process' rights, or the database's, would misuse it: nobody's traces go while the account lives,
// and what goes is told of in the log, or the log no longer verifies.
import { beforeEach, describe, expect, test } from '@jest/globals';
import { query } from '../../harness/query.ts';
import { NO_ORIGIN } from '../../src/core/audit/events.ts';
import { filledLog } from '../support/filled-log.ts';
import { type Person, world } from '../support/world.ts';

const { stores, web, worker, sql, tamper, newMember } = await world({ worker: true });
const { emptyLog } = filledLog({ sql, tamper });
const { webUrl, workerUrl, ownerUrl } = stores.database;

let person: Person;

beforeEach(async () => {
  await emptyLog();
  person = await newMember();
  await worker.sealing.seal();
});

const verify = () => web.context.verification.verify();
const refused = { code: '42501' };

async function deleteAccount(): Promise<void> {
  const told = { from: { at: new Date().toISOString(), device: '', ip: null }, language: 'en' } as const;
  const result = await web.context.accountDeletion.delete({
    userId: person.id,
    sessionId: null,
    origin: NO_ORIGIN,
    told,
  });
  expect(result).toEqual({ ok: true });
}

describe('the functions that erase', () => {
  const ERASING = ['SELECT audit_erase_person($1)', 'SELECT audit_erase_person($1, $1)'];

  test.each(ERASING)('refuse while the account lives: %s', async (text) => {
    for (const url of [webUrl, ownerUrl]) await expect(query(url, text, [person.id])).rejects.toMatchObject(refused);
    await expect(query(workerUrl, 'SELECT audit_erase_sealed($1, 0, 10)', [person.id])).rejects.toMatchObject(refused);
    expect(await sql('SELECT seq FROM audit_event WHERE ip IS NULL')).toEqual([]);
  });

  test.each([
    'deleted_at = now()',
    'deleted_at = now(), disabled_at = now()',
    `deleted_at = now(), disabled_at = now(), password_hash = ''`,
  ])('refuse where the account is called deleted and could go on: %s', async (change) => {
    await query(webUrl, `UPDATE user_account SET ${change} WHERE id = $1`, [person.id]);
    await expect(query(webUrl, 'SELECT audit_erase_person($1)', [person.id])).rejects.toMatchObject(refused);
  });

  test('refuse while a session of it lives, and for nobody', async () => {
    await query(
      webUrl,
      `UPDATE user_account SET deleted_at = now(), disabled_at = now(), password_hash = '', email_key = 'deleted:' || id
        WHERE id = $1`,
      [person.id],
    );
    for (const id of [person.id, '018f0000-0000-7000-8000-000000000001'])
      await expect(query(webUrl, 'SELECT audit_erase_person($1)', [id])).rejects.toMatchObject(refused);
  });

  test('leave an account that comes back no way back', async () => {
    await deleteAccount();
    for (const change of [
      'deleted_at = NULL',
      'disabled_at = NULL',
      `password_hash = 'x'`,
      `email_key = 'a@example.org'`,
    ])
      await expect(query(webUrl, `UPDATE user_account SET ${change} WHERE id = $1`, [person.id])).rejects.toMatchObject(
        refused,
      );
  });

  test('tell of what they did, whoever calls them', async () => {
    await deleteAccount();
    await worker.sealing.seal();
    const [told, ...more] = await sql<{ actor_id: string; events: string }>(
      `SELECT actor_id, detail->>'events' AS events FROM audit_event
        WHERE type = 'personal_data_erased' AND subject_id = $1`,
      [person.id],
    );
    expect([told?.actor_id, more]).toEqual([person.id, []]);
    expect(Number(told?.events)).toBeGreaterThan(0);
    expect(await verify()).toMatchObject({ intact: true });
    await query(webUrl, 'SELECT audit_erase_person($1)', [person.id]);
    expect(await sql(`SELECT FROM outbox WHERE event->>'type' = 'personal_data_erased'`)).toHaveLength(1);
  });
});

describe('the proof of the log', () => {
  /** As the owner of the database can: the trigger lets erasing through. */
  const blank = (where: string) =>
    query(ownerUrl, `UPDATE audit_event SET ip = NULL, user_agent = NULL, personal_salt = NULL WHERE ${where}`);

  test('names an event that was erased and that nothing tells of', async () => {
    await blank('seq = 2');
    expect(await verify()).toEqual({
      intact: false,
      seq: 2,
      problem: 'event 2 was erased, and no event tells of that',
    });
  });

  test('believes an erasure whose event still waits, and one that happens while it is made', async () => {
    await deleteAccount();
    expect(await verify()).toMatchObject({ intact: true });
    const { seq } = await web.context.auditLog.head();
    await worker.sealing.seal();
    expect(await web.context.verification.verify({ to: seq })).toMatchObject({ intact: true });
  });

  test('names what was erased beyond what the log tells of', async () => {
    await deleteAccount();
    await worker.sealing.seal();
    const other = await newMember();
    await worker.sealing.seal();
    await blank(`coalesce(actor_id, subject_id) = '${other.id}' AND type = 'session_created'`);
    const [row] = await sql<{ seq: string }>(
      `SELECT seq FROM audit_event WHERE actor_id = $1 AND type = 'session_created'`,
      [other.id],
    );
    expect(await verify()).toMatchObject({ intact: false, seq: Number(row?.seq) });
  });

  test('wants the event after what it covers, and as many', async () => {
    const tell = (events: number) =>
      sql(`INSERT INTO outbox (event) VALUES ($1)`, [
        JSON.stringify({ type: 'personal_data_erased', outcome: 'success', subject: person.id, detail: { events } }),
      ]);
    await tell(100); // before there was anything to erase
    await worker.sealing.seal();
    await person.browser.logOut();
    await person.browser.logIn(person.email);
    await worker.sealing.seal();
    await blank(`seq > 2 AND personal_salt IS NOT NULL AND type <> 'personal_data_erased' AND ip IS NOT NULL`);
    const { intact } = await verify();
    expect(intact).toBe(false);
    await tell(1);
    expect((await verify()).intact).toBe(false);
    await tell(20);
    expect((await verify()).intact).toBe(true);
  });
});
