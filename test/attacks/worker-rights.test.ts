// What a worker that is no longer ours may do with sessions: it alone has a way to the internet. It reads nobody's address and
// takes over nobody's session, and all that it has to do it still can.
import { expect, test } from '@jest/globals';
import { query } from '../../harness/query.ts';
import { handlers } from '../../worker/handlers.ts';
import { world } from '../support/world.ts';

const { stores, web, worker, sql, redis, newMember } = await world({ worker: true });
const { workerUrl } = stores.database;

test.each(['*', 'ip', 'user_agent', 'data', 'proved', 'remember', 'logged_in_at'])(
  'it does not read %s of a session',
  async (column) => {
    await expect(query(workerUrl, `SELECT ${column} FROM session`)).rejects.toMatchObject({ code: '42501' });
  },
);

test.each([
  'user_id = gen_random_uuid()',
  `token_hash = decode('00', 'hex')`,
  `proved = 'passkey'`,
  `absolute_deadline = now() + interval '10 years'`,
  'created_at = now()',
  'idle_timeout_seconds = 1000000',
  `data = '{}'`,
  'ip = NULL',
])('it does not change %s', async (change) => {
  await expect(query(workerUrl, `UPDATE session SET ${change}`)).rejects.toMatchObject({ code: '42501' });
});

test('it makes no session', async () => {
  const insert = `INSERT INTO session (id, token_hash, user_id) VALUES (gen_random_uuid(), '\\x01', gen_random_uuid())`;
  await expect(query(workerUrl, insert)).rejects.toMatchObject({ code: '42501' });
});

test('its jobs do all that they did', async () => {
  const [idle, old, stays, all] = [await newMember(), await newMember(), await newMember(), await newMember()];
  const set = (id: string, change: string) => sql(`UPDATE session SET ${change} WHERE user_id = $1`, [id]);
  await set(idle.id, `idle_deadline = now() - interval '1 hour'`);
  const long = `now() - interval '40 days'`;
  await set(old.id, `ended_at = ${long}, end_reason = 'logged_out', absolute_deadline = ${long}, ending_seq = 1`);
  const seen = await redis.keys('hf:s:*');
  for (const key of seen) await redis.zadd('hf:touched', Date.now(), key.slice('hf:s:'.length));
  await set(stays.id, `last_seen_at = now() - interval '10 minutes'`);
  for (const job of ['flush-touches', 'cleanup-sessions', 'seal-events'] as const) await handlers[job](worker, {});
  const [touched] = await sql(
    `SELECT last_seen_at > now() - interval '1 minute' AS now FROM session WHERE user_id = $1`,
    [stays.id],
  );
  expect(touched).toEqual({ now: true });
  expect(await sql('SELECT id FROM session WHERE user_id = $1', [old.id])).toEqual([]);
  await web.context.endAllSessions.ask({
    actor: null,
    origin: { ip: null, userAgent: null, requestId: null },
    reason: 'a test',
    kept: null,
  });
  await handlers['end-everybody'](worker, {});
  await handlers['seal-events'](worker, {});
  await handlers['erase-accounts'](worker, {});
  const left = await sql('SELECT id FROM session WHERE ended_at IS NULL OR ending_seq IS NULL');
  expect(left).toEqual([]);
  expect(await all.browser.profile()).toBe(303);
});

test('a worker of the version before deletes as it did', async () => {
  const text = 'DELETE FROM session WHERE ctid = ANY (ARRAY(SELECT ctid FROM session WHERE ended_at < now() LIMIT 1))';
  await query(workerUrl, `BEGIN; ${text}; ROLLBACK`);
});
