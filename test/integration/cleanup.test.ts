// What the worker clears away: sessions that have expired, records and tokens that have served their time. Never one that
// is still in use, and never without an event.
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { cleanupAttempts, cleanupSessions, cleanupTokens } from '../../worker/jobs/cleanup.ts';
import { endSession } from '../../worker/jobs/end-session.ts';
import { Browser, newEmail, SESSION_COOKIE, setCookie } from '../support/app.ts';
import { world } from '../support/world.ts';

const { web, worker, redis, sql } = await world({ worker: true });

async function registered() {
  const browser = new Browser(web.url);
  const email = newEmail();
  const cookie = setCookie(await browser.register(email), SESSION_COOKIE)?.split(';')[0] ?? '';
  const token = cookie.slice(SESSION_COOKIE.length + 1).split('.')[0] ?? '';
  const hash = createHash('sha256').update(token).digest('base64url');
  const [row] = await sql<{ id: string; user_id: string }>(
    'SELECT s.id, user_id FROM session s JOIN user_account u ON u.id = user_id WHERE email = $1',
    [email],
  );
  return { browser, hash, key: `hf:s:${hash}`, id: row?.id ?? '', userId: row?.user_id ?? '' };
}

interface Ending {
  readonly ended: boolean;
  readonly end_reason: string | null;
}

async function ending(id: string): Promise<Ending | undefined> {
  return (await sql<Ending>('SELECT ended_at IS NOT NULL AS ended, end_reason FROM session WHERE id = $1', [id]))[0];
}

/** The details of the events of a type that were recorded since the last time. */
async function told(type: string): Promise<unknown[]> {
  const [{ seq = '0' } = {}] = await sql<{ seq: string }>('SELECT seq FROM audit_head');
  await worker.sealing.seal();
  const rows = await sql<{ detail: object }>(
    'SELECT detail FROM audit_event WHERE type = $1 AND seq > $2 ORDER BY seq',
    [type, seq],
  );
  return rows.map(({ detail }) => detail);
}

beforeEach(async () => {
  await worker.sealing.seal();
});

describe('sessions', () => {
  test.each([
    ['not used for its time', `last_seen_at = now() - interval '25 hours', idle_deadline = now() - interval '1 hour'`],
    ['as old as one may become', `absolute_deadline = now() - interval '5 minutes'`],
  ])('%s is ended, with its event, and its copy buried', async (_, change) => {
    const { browser, id, key } = await registered();
    await sql(`UPDATE session SET ${change} WHERE id = $1`, [id]);
    await cleanupSessions(worker);
    expect(await ending(id)).toEqual({ ended: true, end_reason: 'expired' });
    expect(await redis.get(key)).toBe('Eexpired');
    expect(await told('session_expired')).toEqual([{ reason: 'expired' }]);
    expect(await browser.profile()).toBe(303);
    await cleanupSessions(worker);
    expect(await told('session_expired')).toEqual([]);
  });

  test('that Redis saw a moment ago is not ended, whatever its row says', async () => {
    const { browser, id, hash } = await registered();
    await sql(
      `UPDATE session SET last_seen_at = now() - interval '2 days', idle_deadline = now() - interval '1 day' WHERE id = $1`,
      [id],
    );
    await redis.zadd('hf:touched', Date.now() - 1_000, hash);
    await cleanupSessions(worker);
    expect(await ending(id)).toEqual({ ended: false, end_reason: null });
    const [row] = await sql<{ seen: boolean }>(
      `SELECT last_seen_at > now() - interval '1 minute' AND idle_deadline > now() + interval '23 hours' AS seen FROM session WHERE id = $1`,
      [id],
    );
    expect(row?.seen).toBe(true);
    expect(await redis.zcard('hf:touched')).toBe(0);
    expect(await browser.profile()).toBe(200);
  });

  test('are not ended while Redis can’t say which were seen', async () => {
    const { id } = await registered();
    await sql(`UPDATE session SET idle_deadline = now() - interval '1 day' WHERE id = $1`, [id]);
    await redis.set('hf:touched', 'not a sorted set');
    await expect(cleanupSessions(worker)).rejects.toThrow('WRONGTYPE');
    expect((await ending(id))?.ended).toBe(false);
    await redis.del('hf:touched');
    await cleanupSessions(worker);
    expect((await ending(id))?.ended).toBe(true);
  });

  test('that expired within the last two minutes wait for a touch that may be on its way', async () => {
    const { id } = await registered();
    await sql(`UPDATE session SET idle_deadline = now() - interval '90 seconds' WHERE id = $1`, [id]);
    await cleanupSessions(worker);
    expect((await ending(id))?.ended).toBe(false);
    await sql(`UPDATE session SET idle_deadline = now() - interval '125 seconds' WHERE id = $1`, [id]);
    await cleanupSessions(worker);
    expect((await ending(id))?.ended).toBe(true);
  });

  test('more than one batch of them are all ended, and the live ones are not', async () => {
    const live = await registered();
    await sql(
      `INSERT INTO session (id, token_hash, user_id, remember, idle_timeout_seconds, idle_deadline, absolute_deadline)
       SELECT gen_random_uuid(), sha256(n::text::bytea), $1, false, 60, now() - interval '1 hour', now() + interval '1 hour'
         FROM generate_series(1, 1100) AS n`,
      [live.userId],
    );
    await cleanupSessions(worker);
    const [row] = await sql<{ live: number; ended: number }>(
      `SELECT count(*) FILTER (WHERE ended_at IS NULL)::int AS live, count(*) FILTER (WHERE end_reason = 'expired')::int AS ended
         FROM session WHERE user_id = $1`,
      [live.userId],
    );
    expect(row).toEqual({ live: 1, ended: 1_100 });
    expect(await told('session_expired')).toHaveLength(1_100);
    expect(await live.browser.profile()).toBe(200);
  });

  test('that ended are kept for a month, and for as long as a copy could live or their end is not sealed', async () => {
    const { userId } = await registered();
    const add = async (ended: string, absolute: string, sealed: number | null) => {
      const id = randomUUID();
      await sql(
        `INSERT INTO session (id, token_hash, user_id, remember, idle_timeout_seconds, idle_deadline, absolute_deadline,
                              ended_at, end_reason, ending_seq)
         VALUES ($1, $2, $3, false, 60, now(), now() + $5::interval, now() - $4::interval, 'logged_out', $6)`,
        [id, randomBytes(32), userId, ended, absolute, sealed],
      );
      return id;
    };
    const gone = await add('31 days', '-2 days', 1);
    const young = await add('29 days', '-2 days', 1);
    const copied = await add('31 days', '-1 hour', 1);
    const unsealed = await add('31 days', '-2 days', null);
    await cleanupSessions(worker);
    const rows = await sql<{ id: string }>('SELECT id FROM session WHERE id = ANY ($1)', [
      [gone, young, copied, unsealed],
    ]);
    expect(rows.map(({ id }) => id).sort()).toEqual([young, copied, unsealed].sort());
    expect(await told('sys_cleanup')).toEqual([{ what: 'sessions', count: 1 }]);
  });
});

describe('an end that was kept for PostgreSQL', () => {
  const origin = { ip: '203.0.113.4', userAgent: 'test', requestId: 'r-1' };

  test('is recorded as it was, once', async () => {
    const { id, userId } = await registered();
    const job = { sessionId: id, reason: 'logged_out', actor: userId, origin };
    await endSession(worker, job);
    await endSession(worker, job);
    expect(await ending(id)).toEqual({ ended: true, end_reason: 'logged_out' });
    expect(await told('session_ended')).toEqual([{ reason: 'logged_out' }]);
    const [event] = await sql<{ ip: string }>(
      `SELECT host(ip) AS ip FROM audit_event WHERE session_id = $1 AND type = 'session_ended'`,
      [id],
    );
    expect(event?.ip).toBe('203.0.113.4');
  });

  test('by another version is carried out, whatever its reason and what it left out', async () => {
    const { id } = await registered();
    await endSession(worker, { sessionId: id, reason: 'passkey_removed' } as never);
    expect(await ending(id)).toEqual({ ended: true, end_reason: 'revoked' });
  });
});

describe('login attempts', () => {
  test('older than their retention are deleted, with an event; the others stay', async () => {
    const ages = ['91 days', '90 days 1 minute', '89 days 23 hours', '1 minute'];
    for (const age of ages) {
      await sql(
        `INSERT INTO login_attempt (id, occurred_at, identifier_hash, outcome) VALUES (gen_random_uuid(), now() - $1::interval, '', 'failure')`,
        [age],
      );
    }
    const before = await sql('SELECT id FROM login_attempt');
    await cleanupAttempts(worker);
    expect(await sql('SELECT id FROM login_attempt')).toHaveLength(before.length - 2);
    expect(await sql(`SELECT id FROM login_attempt WHERE occurred_at < now() - interval '90 days'`)).toEqual([]);
    expect(await told('sys_cleanup')).toEqual([{ what: 'login attempts', count: 2 }]);
    await cleanupAttempts(worker);
    expect(await told('sys_cleanup')).toEqual([]);
  });
});

test('many that have served their time are deleted in batches, each with its event', async () => {
  await sql(`INSERT INTO login_attempt (id, occurred_at, identifier_hash, outcome)
             SELECT gen_random_uuid(), now() - interval '91 days', '', 'failure' FROM generate_series(1, 11000)`);
  await cleanupAttempts(worker);
  const counts = [5_000, 5_000, 1_000];
  expect(await told('sys_cleanup')).toEqual(counts.map((count) => ({ what: 'login attempts', count })));
});

describe('tokens', () => {
  test('that were used or have expired are deleted, with an event; the others stay', async () => {
    const { userId } = await registered();
    const add = (expires: string, used: string | null) =>
      sql(
        `INSERT INTO token (id, user_id, purpose, token_hash, expires_at, used_at)
         VALUES (gen_random_uuid(), $1, 'reset', $2, now() + $3::interval, now() + $4::interval)`,
        [userId, randomBytes(32), expires, used],
      );
    await Promise.all([add('-1 second', null), add('1 hour', '-1 second'), add('1 hour', null)]);
    await cleanupTokens(worker);
    const rows = await sql<{ good: boolean }>('SELECT expires_at > now() AND used_at IS NULL AS good FROM token');
    expect(rows).toEqual([{ good: true }]);
    expect(await told('sys_cleanup')).toEqual([{ what: 'tokens', count: 2 }]);
    await cleanupTokens(worker);
    expect(await told('sys_cleanup')).toEqual([]);
  });
});
