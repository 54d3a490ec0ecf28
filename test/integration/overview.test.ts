// The overview: its numbers are those of the stores, and it is there when one of them is away.
import { expect, test } from '@jest/globals';
import { query } from '../../harness/query.ts';
import { until } from '../../harness/until.ts';
import { Browser } from '../support/app.ts';
import { world } from '../support/world.ts';

const { stores, web, worker, sql, newOperator } = await world({ worker: true });
const operator = await newOperator();

/** Lets PostgreSQL take connections to the database of this test, or refuse them and end those that there are. */
async function connections(allowed: boolean): Promise<void> {
  const url = new URL(stores.database.superuserUrl);
  const name = url.pathname.slice(1);
  url.pathname = '/postgres';
  await query(url.href, `ALTER DATABASE "${name}" ALLOW_CONNECTIONS ${allowed}`);
  if (!allowed)
    await query(url.href, 'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1', [name]);
}

test('counts what is there, today and in the same span a week ago', async () => {
  await new Browser(web.url).logIn(operator.email, 'not the password at all');
  await worker.sealing.seal();
  await sql(`INSERT INTO audit_summary (hour, type, outcome, events, first_seq, last_seq)
             SELECT date_trunc('hour', now() - interval '7 days', 'UTC') + at, 'authn_login_fail', 'failure', 100, 0, 0
               FROM unnest(ARRAY[interval '0', interval '1 hour', interval '-25 hours']) AS at`);
  await sql(`INSERT INTO login_attempt (id, occurred_at, identifier_hash, outcome)
             SELECT gen_random_uuid(), at, '', 'failure'
               FROM unnest(ARRAY[now() - interval '7 days' - interval '1 millisecond', now() - interval '6 days 23 hours']) AS at`);
  await sql(`INSERT INTO throttle_block (id, scope, key, started_at, until_at, failures)
             VALUES (gen_random_uuid(), 'client', 'k', now(), now() + interval '1 hour', 3)`);
  const overview = await web.context.readOverview();
  expect(overview.sessions).toEqual({ count: 1, exact: true });
  expect(overview.logins?.today).toEqual({ successes: 1, failures: 1 });
  // The hour of now is not counted whole, the later one and the day before not at all.
  expect(overview.logins?.weekAgo).toEqual({ successes: 0, failures: 1 });
  expect(overview.activeBlocks).toBe(1);
  expect(overview.outbox).toEqual({ waiting: 0, oldest: null });
  expect(overview.head?.seq).toBeGreaterThan(3);
  expect(overview.checkpoint?.seq).toBe(0);
  expect(overview.mails).toEqual({ failed: 0, due: 0 });
  expect(overview.queues?.map(({ name }) => name)).toContain('audit');
  const { status, text } = await operator.browser.get('/operator');
  expect(status).toBe(200);
  expect(text).toContain('Last sealed event');
});

test('is there without PostgreSQL, and without Redis, and says what is away', async () => {
  web.context.redis.disconnect();
  await until(() => web.context.redis.status === 'end');
  const withoutRedis = await operator.browser.get('/operator');
  expect(withoutRedis.status).toBe(200);
  expect(withoutRedis.text).toContain('pages go on from PostgreSQL, slower');
  expect(withoutRedis.text).toContain('Redis, which keeps the queues, is away');
  await web.context.redis.connect().catch(() => undefined); // on a busy machine it takes another try, which it makes by itself
  await until(() => web.context.sessionCache.health().redis);
  expect((await operator.browser.get('/operator')).status).toBe(200);
  await connections(false);
  const withoutPostgres = await operator.browser.get('/operator');
  expect(withoutPostgres.status).toBe(200);
  expect(withoutPostgres.text).toContain('pages go on from Redis; nobody can log in');
  expect(withoutPostgres.text).toContain('the store that knows is away');
  await connections(true);
});
