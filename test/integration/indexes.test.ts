// What is done again and again finds its rows by an index, however many others there are. PostgreSQL looks through a small table
// whatever its indexes; told to leave that, it still does where no index helps.
import { beforeAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { until } from '../../harness/until.ts';
import { handlers } from '../../worker/handlers.ts';
import { Browser, newEmail, openWorker, PASSWORD, startWeb } from '../support/app.ts';
import { world } from '../support/world.ts';

const { stores, sql } = await world({ webs: 0 });

beforeAll(async () => {
  const [{ name } = { name: '' }] = await sql<{ name: string }>('SELECT current_database() AS name');
  await sql(`ALTER DATABASE "${name}" SET enable_seqscan = off`);
});

/** The tables that were looked through from end to end, once those who did it have let go of their connections. */
async function lookedThrough(work: () => Promise<void>): Promise<string[]> {
  await sql('SELECT pg_stat_reset()');
  await work();
  await until(async () => {
    const others = 'SELECT FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()';
    return (await sql(others)).length === 0;
  });
  const rows = await sql<{ name: string }>(
    'SELECT relname AS name FROM pg_stat_user_tables WHERE seq_scan > 0 ORDER BY relname',
  );
  return rows.map(({ name }) => name);
}

/** Tables whose rows live for hours at most, by the job with which they go. */
const short: Partial<Record<keyof typeof handlers, string[]>> = {
  'cleanup-tokens': ['token'],
  'sign-exports': ['export_manifest'],
};

test.each(Object.keys(handlers) as (keyof typeof handlers)[])('the job %s', async (job) => {
  const handler = handlers[job] as (context: unknown, payload: unknown) => Promise<unknown>;
  const through = await lookedThrough(async () => {
    const worker = await openWorker(stores);
    await handler(worker, { sessionId: '00000000-0000-4000-8000-000000000000', reason: 'logged_out' });
    await worker.close();
  });
  expect(through).toEqual(short[job] ?? []);
});

test('what visitors and operators do, and a process that starts with an emptied Redis', async () => {
  const redis = new Redis(stores.redisUrl);
  const [email, boss] = [newEmail(), newEmail()];
  const through = await lookedThrough(async () => {
    await redis.flushdb();
    const web = await startWeb(stores);
    const [member, operator, stranger] = [new Browser(web.url), new Browser(web.url), new Browser(web.url)];
    expect((await member.register(email)).status).toBe(303);
    expect((await new Browser(web.url).register(boss)).status).toBe(303);
    await sql(`UPDATE user_account SET role = 'operator' WHERE email_key = $1`, [boss]);
    for (let count = 0; count < 6; count += 1) await stranger.submit('/login', { email, password: 'not the password' });
    await stranger.submit('/forgot-password', { email });
    for (const page of [
      '/',
      '/profile',
      '/account/sessions',
      '/account/data',
      '/account/password',
      '/account/delete',
      '/account/activity',
    ])
      expect((await member.get(page)).status).toBe(200);
    expect((await member.submit('/logout', {}, '/profile')).status).toBe(303);
    expect((await member.submit('/login', { email, password: PASSWORD })).status).toBe(303);
    expect((await operator.submit('/login', { email: boss, password: PASSWORD })).status).toBe(303);
    const [{ id } = { id: '' }] = await sql<{ id: string }>('SELECT id FROM user_account WHERE email_key = $1', [
      email,
    ]);
    const person = `person=${encodeURIComponent(email)}`;
    for (const page of [
      ...['/operator', '/operator/users', `/operator/users?q=${email}`, `/operator/users/${id}`, '/operator/mail'],
      ...[
        '/operator/audit',
        `/operator/audit?${person}`,
        '/operator/audit?address=127.0.0.1',
        '/operator/audit?text=x',
      ],
      ...['/operator/attempts', `/operator/attempts?${person}`, '/operator/attempts?address=127.0.0.1&time=all'],
      ...['/operator/users?sort=login', '/operator/users?sort=created&login=never', '/operator/audit?not=sessions'],
      ...['/operator/blocks', '/operator/drains', '/operator/alerts', '/operator/alerts/spraying'],
    ])
      expect({ page, status: (await operator.get(page)).status }).toEqual({ page, status: 200 });
    const [{ session } = { session: '' }] = await sql<{ session: string }>(
      'SELECT id AS session FROM session WHERE user_id = $1 ORDER BY created_at DESC LIMIT 1',
      [id],
    );
    for (const q of [email, email.slice(0, -3), session, '127.0.0.1', '1'])
      expect((await operator.submit('/operator/find', { q }, '/operator')).status).toBe(303);
    expect((await operator.get(`/operator/sessions/${session}`)).status).toBe(200);
    await web.close();
  });
  redis.disconnect();
  // A count of whole types sums up the hours; a search looks through what the blocks of the log hold; what waits is little.
  expect(through).toEqual(['audit_summary', 'audit_text', 'outbox']);
});
