// PostgreSQL's clock, or Redis's, goes an hour back: what lies in the future then keeps nobody waiting, and what has ended
// stays ended.
import { describe, expect, test } from '@jest/globals';
import { until } from '../../harness/until.ts';
import { NO_ORIGIN } from '../../src/core/audit/events.ts';
import { createThrottle } from '../../src/core/throttle/throttle.ts';
import { keepSchedule, SCHEDULE } from '../../worker/schedule.ts';
import { Browser, newEmail, PASSWORD } from '../support/app.ts';
import { copyOf as readCopy, setSeen } from '../support/copies.ts';
import { enrol } from '../support/factors.ts';
import { startMailSite } from '../support/mail-site.ts';
import { stepDatabaseClock } from '../support/step-clock.ts';

const HOUR_MS = 3_600_000;
const FIREFOX = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:133.0) Gecko/20100101 Firefox/133.0';

const site = await startMailSite();
const open = await site.startWeb({ REGISTRATION: 'open' });
const { redis } = open.context;
const stepBack = () => stepDatabaseClock(site.sql, '-1 hour');

async function member() {
  const [browser, email] = [new Browser(open.url), newEmail()];
  expect((await browser.register(email)).status).toBe(303);
  const [row] = await site.sql<{ id: string }>('SELECT id FROM user_account WHERE email = $1', [email]);
  return { browser, email, id: row?.id ?? '' };
}

/** The key of the copy of a person's newest session. */
async function copyOf(userId: string): Promise<string> {
  const [row] = await site.sql<{ token_hash: Buffer }>(
    'SELECT token_hash FROM session WHERE user_id = $1 ORDER BY created_at DESC LIMIT 1',
    [userId],
  );
  return `s:${row?.token_hash.toString('base64url')}`;
}

describe('PostgreSQL’s clock an hour back', () => {
  test('keeps no mail waiting, new or deferred', async () => {
    const emails = [newEmail(), newEmail(), newEmail()];
    for (const email of emails) await site.browser().register(email);
    await site.sql(
      "UPDATE mail SET attempts = 1, due_at = clock_timestamp() + interval '1 minute' WHERE recipient = $1",
      [emails[1]],
    );
    await site.sql(
      "UPDATE mail SET attempts = 9, due_at = clock_timestamp() + interval '30 minutes' WHERE recipient = $1",
      [emails[2]],
    );
    await site.send();
    expect(emails.map((email) => site.server.countTo(email))).toEqual([1, 0, 0]);
    const late = newEmail();
    await site.browser().register(late);
    await stepBack();
    await site.send();
    expect([late, ...emails].map((email) => site.server.countTo(email))).toEqual([1, 1, 1, 1]);
  });

  test('a mail that is being sent is sent once where it is a small step', async () => {
    const email = newEmail();
    await site.sql(
      `INSERT INTO mail (id, recipient, template, language, attempts, due_at)
       VALUES (gen_random_uuid(), $1, 'account-deleted', 'en', 1, clock_timestamp() + interval '2 minutes')`,
      [email],
    );
    await site.send();
    expect(site.server.countTo(email)).toBe(0);
    await site.sql('DELETE FROM mail WHERE recipient = $1', [email]);
  });

  test('a form that was sent before counts as no double click: its mail goes out', async () => {
    const [browser, email] = [site.browser(), newEmail()];
    await browser.register(email);
    await site.send();
    await stepBack();
    await browser.register(email);
    await site.send();
    expect(site.server.countTo(email)).toBe(2);
  });

  test('a second factor that was added afterwards is newer than the log-in before', async () => {
    const { email, id } = await member();
    const stranger = new Browser(open.url);
    const _csrf = await stranger.token('/login');
    const sent = stranger.agent.post('/login').redirects(0).type('form').set('User-Agent', FIREFOX);
    expect((await sent.send({ email, password: PASSWORD, _csrf })).status).toBe(303);
    await site.send();
    const link = new URL(site.server.mailsTo(email).findLast((mail) => mail.link)?.link ?? '');
    await stepBack();
    await enrol(stranger);
    const owner = new Browser(open.url);
    await owner.get(link.pathname + link.search);
    expect((await owner.submit('/not-me', { former: PASSWORD })).headers['location']).toBe('/reset-password');
    expect(await site.sql('SELECT FROM totp WHERE user_id = $1', [id])).toEqual([]);
  });

  test('a session that is used is noted as used', async () => {
    const { id } = await member();
    await stepBack();
    const [session] = await site.sql<{ id: string; token_hash: Buffer }>(
      'SELECT id, token_hash FROM session WHERE user_id = $1',
      [id],
    );
    if (!session) throw new Error('no session');
    const { sessionTable } = open.context;
    const inFuture = async () =>
      (await site.sql('SELECT FROM session WHERE id = $1 AND last_seen_at > clock_timestamp()', [session.id])).length;
    expect(await inFuture()).toBe(1);
    await sessionTable.touch(session.id);
    expect(await inFuture()).toBe(0);
    await stepBack();
    await sessionTable.writeLastSeen([{ tokenHash: session.token_hash, ageMs: 10 }]);
    expect(await inFuture()).toBe(0);
  });

  test('an ending that nobody seals is told to Redis', async () => {
    const { browser, id } = await member();
    const { sessionTable } = open.context;
    await site.sql("UPDATE session SET ended_at = clock_timestamp(), end_reason = 'revoked' WHERE user_id = $1", [id]);
    await stepBack();
    const { overdue } = await sessionTable.lookForEndings(new Date(Date.now() + HOUR_MS));
    const { endings, until: readTo } = overdue;
    expect(endings.map(({ reason }) => reason)).toContain('revoked');
    expect(readTo.getTime()).toBeLessThanOrEqual(Date.now() + 1_000);
    await until(async () => (await browser.profile()) === 303);
  });

  test('a block of the throttle stands no longer than blocks do', async () => {
    const policy = { ...open.config.throttle, accountClient: { free: 2, limit: 3, windowMs: HOUR_MS } };
    const throttle = createThrottle({ redis, database: open.context.database, policy, log: open.context.log });
    const target = { account: 'stepped', ip: '198.18.9.9', deviceId: null };
    for (let count = 0; count < 2; count += 1) {
      const taken = await throttle.takeLogin(target);
      if (!taken.ok) throw new Error('refused too early');
      const about = { type: 'authn_login_fail', outcome: 'failure', actor: null, subject: null } as const;
      const origin = { ...NO_ORIGIN, ip: target.ip };
      const [block] = taken.blocks;
      await open.context.refusals.charge(Promise.resolve({ ...taken, blocks: block ? [block] : [] }), {
        subject: null,
        origin,
      });
      await open.context.record({ ...about, id: taken.id, origin });
    }
    await site.worker.sealing.seal();
    await stepBack();
    await redis.flushdb();
    const refused = await throttle.takeLogin(target);
    expect(refused.ok).toBe(false);
    if (!refused.ok) expect(refused.retryAfterMs).toBeLessThanOrEqual(policy.blockLongestMs);
  });

  test('lets everybody log in after the end of all sessions, and nobody on who had to go', async () => {
    const { browser, email } = await member();
    const about = { actor: null, origin: NO_ORIGIN, reason: 'a test', kept: null };
    expect(await open.context.endAllSessions.ask(about)).toBe(true);
    await stepBack();
    await redis.flushdb();
    const back = new Browser(open.url);
    expect((await back.logIn(email)).status).toBe(303);
    expect(await back.profile()).toBe(200);
    await site.worker.endAllSessions.endRemaining();
    expect([await back.profile(), await browser.profile()]).toEqual([200, 303]);
    const others = await back.submit('/account/sessions/revoke-others', {}, '/account/sessions');
    expect(others.headers['location']).toBe('/account/sessions?done=others-ended');
  });

  test('the log goes on, in order', async () => {
    await stepBack();
    await member();
    await site.worker.sealing.seal();
    const [row] = await site.sql<{ back: number }>(
      `SELECT count(*)::int AS back FROM audit_event AS a JOIN audit_event AS b ON b.seq = a.seq + 1
        WHERE b.sealed_at < a.sealed_at`,
    );
    expect(row?.back).toBe(0);
  });
});

describe('Redis’s clock an hour back', () => {
  test('a copy that was seen in the future is touched again', async () => {
    const { browser, id } = await member();
    expect(await browser.profile()).toBe(200);
    const key = await copyOf(id);
    const seen = async () => (await readCopy(redis, key)).seenAt;
    const before = await seen();
    expect(before).toBeGreaterThan(0);
    await setSeen(redis, key, before + HOUR_MS);
    expect(await browser.profile()).toBe(200);
    await until(async () => (await seen()) < before + HOUR_MS / 2);
  });
});

test('a worker’s clock that went back keeps no recurring job waiting', async () => {
  const { queues, log } = open.context;
  const stop = new AbortController();
  try {
    const queue = await queues.open('sessions');
    const everyMs = SCHEDULE['flush-touches']?.everyMs ?? 0;
    await queue.upsertJobScheduler('flush-touches', { every: everyMs, startDate: Date.now() + HOUR_MS });
    const next = async () => (await queue.getJobScheduler('flush-touches'))?.next ?? 0;
    expect(await next()).toBeGreaterThan(Date.now() + HOUR_MS / 2);
    const keeping = keepSchedule({ queues, log, signal: stop.signal });
    await until(async () => (await next()) < Date.now() + HOUR_MS / 2);
    stop.abort();
    await keeping;
  } finally {
    stop.abort();
  }
});

test('a schedule that can’t be kept is said once, and kept again when it can', async () => {
  const { queues, redis: ours } = open.context;
  const key = '{hf:queue}:alerts:repeat';
  const said = { debug: 0, warn: 0 };
  const log = { debug: () => (said.debug += 1), warn: () => (said.warn += 1) } as never;
  const stop = new AbortController();
  const other = ours.duplicate({ keyPrefix: '', enableOfflineQueue: true });
  try {
    await other.set(key, 'of another type');
    const keeping = keepSchedule({ queues, log, signal: stop.signal, checkEveryMs: 20 });
    await until(() => said.debug > 20);
    expect(said.warn).toBe(1);
    await other.del(key);
    await until(async () => (await other.type(key)) === 'zset');
    stop.abort();
    await keeping;
  } finally {
    stop.abort();
    other.disconnect();
  }
});
