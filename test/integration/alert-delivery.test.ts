// An alert reaches whoever gets it whatever its receiver and the worker do meanwhile: none is lost, none comes twice without need.
import { describe, expect, test } from '@jest/globals';
import { createRaising } from '../../src/core/alerting/raising.ts';
import { createTelling } from '../../src/core/alerting/telling.ts';
import { NO_ORIGIN } from '../../src/core/audit/events.ts';
import { startAlertSite } from '../support/alert-site.ts';

const { worker, sql, openWorker, env, work, told, posts, mails, record, mailServer, receiver } = await startAlertSite();
const second = await openWorker(env);

const spraying = (client: number) =>
  record({
    type: 'authn_password_spraying',
    origin: { ...NO_ORIGIN, ip: `203.0.113.${client}` },
    detail: { accounts: 20 },
  });
const due = () =>
  Promise.all([
    sql('UPDATE mail SET due_at = clock_timestamp() WHERE ended_at IS NULL'),
    sql('UPDATE alert_post SET due_at = clock_timestamp() WHERE ended_at IS NULL'),
  ]);
const clientsOf = () => posts().map(({ data }) => (data['facts'] as { ip: string }).ip);

test('mail is away for a day and more: everything arrives afterwards, once', async () => {
  await mailServer.stop();
  for (const client of [1, 2, 3]) {
    await spraying(client);
    await work();
    await due();
  }
  expect(mails()).toHaveLength(0);
  expect(told()).toHaveLength(3);
  await sql(`UPDATE mail SET created_at = created_at - interval '6 days'`);
  await work();
  await mailServer.startAgain();
  await due();
  await work();
  await work();
  expect(
    mails()
      .map(({ email }) => /203\.0\.113\.\d/.exec(email.text ?? '')?.[0])
      .sort(),
  ).toEqual(['203.0.113.1', '203.0.113.2', '203.0.113.3']);
});

describe('the webhook’s receiver', () => {
  test('is away for a while: everything arrives afterwards, once, in order', async () => {
    await receiver.stop();
    for (const client of [1, 2, 3]) {
      await spraying(client);
      await work();
    }
    expect(
      await sql('SELECT count(*)::int AS n, max(last_error) AS error FROM alert_post WHERE ended_at IS NULL'),
    ).toEqual([{ n: 3, error: 'could not be reached (ECONNREFUSED)' }]);
    await receiver.startAgain();
    await due();
    await work();
    await work();
    expect(clientsOf()).toEqual(['203.0.113.1', '203.0.113.2', '203.0.113.3']);
    expect(mails()).toHaveLength(3);
  });

  test('refuses, cuts, or takes it without saying so: it is tried again with the same id', async () => {
    const before = receiver.asked.length;
    await spraying(1);
    receiver.answer(503, 'cut', 'lost', 302);
    for (let turn = 0; turn < 5; turn += 1) {
      await work();
      await due();
    }
    const ids = receiver.asked.slice(before);
    expect(ids).toHaveLength(5);
    expect(new Set(ids).size).toBe(1);
    expect(ids[0]).toMatch(/^alert_[0-9a-f-]{36}$/);
    expect(await sql('SELECT outcome, attempts, last_error FROM alert_post')).toEqual([
      { outcome: 'sent', attempts: expect.any(Number), last_error: null },
    ]);
  });

  test('is asked less and less, as it asks for, and given up after a week, which is recorded', async () => {
    await spraying(1);
    receiver.answer(503);
    await work();
    const [row] = await sql<{ waits: number; attempts: number }>(
      'SELECT attempts, extract(epoch FROM due_at - clock_timestamp())::float8 AS waits FROM alert_post',
    );
    expect(row).toMatchObject({ attempts: 1 });
    expect(row?.waits).toBeLessThanOrEqual(1);
    await sql(`UPDATE alert_post SET created_at = created_at - interval '8 days'`);
    receiver.answer(503);
    await due();
    await work();
    expect(await sql('SELECT outcome FROM alert_post')).toEqual([{ outcome: 'failed' }]);
    await work();
    expect(told()).toEqual([]);
    expect(await sql(`SELECT detail FROM audit_event WHERE type = 'sys_alert_failed'`)).toEqual([
      { detail: { rule: 'spraying', attempts: 2 } },
    ]);
  });
});

test('two workers at once raise, mail and post each once', async () => {
  for (const client of [1, 2, 3, 4]) await spraying(client);
  await worker.sealing.seal();
  const both = [worker, second];
  await Promise.all(both.map(({ alerting }) => alerting.follow()));
  await Promise.all(both.flatMap(({ mailDelivery, alerting }) => [mailDelivery.sendDue(), alerting.postDue()]));
  await work();
  expect(clientsOf().sort()).toEqual(['203.0.113.1', '203.0.113.2', '203.0.113.3', '203.0.113.4']);
  expect(mails()).toHaveLength(4);
});

test('a log that was restored from before is followed from where it ends', async () => {
  await sql('UPDATE alert_state SET seq = seq + 1000000');
  await work();
  await spraying(1);
  await work();
  expect(told()).toEqual(['spraying first']);
});

test('a long log is followed in parts, to its end', async () => {
  for (const client of [1, 2, 3]) {
    await spraying(client);
    for (let other = 0; other < 5; other += 1) await record({ type: 'sys_startup' });
  }
  await worker.sealing.seal();
  const tellWithin = createTelling({
    ...{ mail: worker.mail, posts: true, language: 'en', serviceName: 'Holdfast' },
    publicOrigin: 'http://login.example.org',
  });
  const heard: unknown[] = [];
  const onTold = (_: string, { ip }: { ip?: unknown }) => void heard.push(ip);
  await createRaising({ database: worker.database, tellWithin, onTold, part: 2 }).keepUp();
  expect(heard).toEqual(['203.0.113.1', '203.0.113.2', '203.0.113.3']);
  await work();
  expect(clientsOf()).toEqual(['203.0.113.1', '203.0.113.2', '203.0.113.3']);
});

test('what was told long ago is deleted, what waits is kept', async () => {
  await spraying(1);
  await work();
  await receiver.stop();
  await spraying(2);
  await work();
  await receiver.startAgain();
  await sql(`UPDATE alert SET opened_at = opened_at - interval '91 days', closes_at = closes_at - interval '91 days'`);
  await sql(`UPDATE alert_post SET created_at = created_at - interval '91 days'`);
  const { handlers } = await import('../../worker/handlers.ts');
  await handlers['cleanup-attempts'](worker, {});
  expect(await sql('SELECT count(*)::int AS n FROM alert')).toEqual([{ n: 0 }]);
  expect(await sql('SELECT outcome FROM alert_post')).toEqual([{ outcome: null }]);
});
