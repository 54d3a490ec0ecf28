// What Prometheus is told: of a web process, of a worker, and of the processes of a supervisor added up; on a port of its own, and
// with nothing in it that belongs to a person.
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { until } from '../../harness/until.ts';
import { serveMetrics } from '../../src/core/platform/metrics-server.ts';
import { publishMetrics } from '../../worker/metrics.ts';
import { Browser, newEmail, openWorker, startWeb } from '../support/app.ts';
import { startSupervisor, webCode } from '../support/supervisor.ts';
import { world } from '../support/world.ts';

const LOG = { info: () => undefined, warn: () => undefined };

const { stores, web, sql } = await world();

const read = () => web.context.metrics.registry.metrics();
/** The value of the first line that begins so. */
const value = (text: string, begin: string) =>
  Number(
    text
      .split('\n')
      .find((line) => line.startsWith(begin))
      ?.split(' ')
      .at(-1),
  );

describe('a web process', () => {
  test('counts requests by the pattern of their route, and never names a person, a path or an id', async () => {
    const browser = new Browser(web.url);
    const email = newEmail();
    await browser.register(email);
    await browser.profile();
    const id = '018f0000-0000-7000-8000-000000000000';
    await browser.submit(`/account/sessions/${id}/revoke`, {}, '/profile');
    await browser.get('/no-such-page/secret-token');
    const text = await read();
    const count = (route: string, method: string, status: number) =>
      value(
        text,
        `holdfast_http_request_duration_seconds_count{route="${route}",method="${method}",status="${status}"}`,
      );
    expect(count('/profile', 'GET', 200)).toBeGreaterThanOrEqual(1);
    expect(count('/register', 'POST', 303)).toBe(1);
    expect(count('none', 'GET', 404)).toBe(1);
    expect(text).toContain('route="/account/sessions/:id/revoke"');
    for (const secret of [email, id, 'secret-token', '127.0.0.1']) expect(text).not.toContain(secret);
  });

  test('says who answered for the sessions: Redis, or PostgreSQL where Redis could not', async () => {
    const browser = new Browser(web.url);
    await browser.register(newEmail());
    await browser.profile();
    const before = await read();
    await browser.profile();
    web.context.redis.disconnect(true);
    await browser.profile();
    const after = await read();
    const grown = (source: string) =>
      value(after, `holdfast_session_reads_total{source="${source}"}`) -
      value(before, `holdfast_session_reads_total{source="${source}"}`);
    expect({ redis: grown('redis'), postgres: grown('postgres') }).toEqual({ redis: 1, postgres: 1 });
  });
});

test('refusals of the throttle are counted by the kind of window, and tell of nobody', async () => {
  const strict = await startWeb(stores, { THROTTLE_ACCOUNT_CLIENT: '2/4/1h' });
  try {
    const email = newEmail();
    const refused = async () =>
      value(
        await strict.context.metrics.registry.metrics(),
        'holdfast_throttle_refusals_total{window="account_client"}',
      );
    expect(await refused()).toBeNaN();
    const statuses: number[] = [];
    for (let attempt = 0; attempt < 4; attempt += 1) {
      statuses.push((await new Browser(strict.url).logIn(email, 'a wrong password')).status);
    }
    expect(await refused()).toBe(statuses.filter((status) => status === 429).length);
    expect(statuses).toContain(429);
    const text = await strict.context.metrics.registry.metrics();
    expect(text.match(/^holdfast_throttle_refusals_total\{.*/gm)).toHaveLength(1);
    expect(text).not.toContain(email);
  } finally {
    await strict.close();
  }
});

test('a worker tells what waits for it', async () => {
  const worker = await openWorker(stores, { METRICS_PORT: '0' });
  await new Browser(web.url).register(newEmail());
  const port = await publishMetrics(worker);
  try {
    const url = `http://127.0.0.1:${port?.address?.port}/metrics`;
    const read = async () => (await fetch(url)).text();
    const waiting = value(await read(), 'holdfast_outbox_events');
    expect(waiting).toBeGreaterThan(0);
    await worker.sealing.seal();
    const text = await read();
    expect(value(text, 'holdfast_outbox_events')).toBe(0);
    expect(value(text, 'holdfast_audit_events')).toBeGreaterThanOrEqual(waiting);
    expect(text).toMatch(/^holdfast_queue_jobs\{queue="audit",state="waiting"\} \d+$/m);
    expect(text).toContain('nodejs_eventloop_lag_seconds');
  } finally {
    port?.close();
    await worker.close();
  }
});

test('a worker tells how far the receivers of the log in its own file are', async () => {
  const worker = await openWorker(stores, { METRICS_PORT: '0' });
  await worker.sealing.seal();
  const { seq } = await worker.auditLog.head();
  await worker.database.pool.query(
    `INSERT INTO audit_drain (name, kind, target, format, seq, failures)
     VALUES ('siem', 'file', '/a', 'ecs', ${seq - 1}, 2), ('another', 'file', '/a', 'ecs', 0, 0)`,
  );
  const port = await publishMetrics(worker, { drains: ['siem'] });
  try {
    const text = await (await fetch(`http://127.0.0.1:${port?.address?.port}/metrics`)).text();
    expect(text).toMatch(/^holdfast_drain_lag_events\{drain="siem"\} 1$/m);
    expect(text).toMatch(/^holdfast_drain_lag_seconds\{drain="siem"\} [\d.]+(?:e-\d+)?$/m);
    expect(text).toMatch(/^holdfast_drain_failures\{drain="siem"\} 2$/m);
    expect(text).not.toContain('another');
  } finally {
    port?.close();
    await worker.close();
  }
});

test('messages that are not delivered are counted by their way, with the age of the oldest', async () => {
  const worker = await openWorker(stores, { METRICS_PORT: '0' });
  await sql('DELETE FROM mail');
  await sql(
    `INSERT INTO mail (id, recipient, template, language, created_at, ended_at, outcome)
     SELECT gen_random_uuid(), 'somebody@example.org', 'reset', 'en', now() - interval '1 hour', ended_at, outcome
       FROM (VALUES (NULL::timestamptz, NULL), (NULL, NULL), (now(), 'sent')) AS mails(ended_at, outcome)`,
  );
  await sql(
    `INSERT INTO alert_post (id, rule, body, created_at) VALUES (gen_random_uuid(), 'spraying', '{}', now() - interval '2 hours')`,
  );
  const port = await publishMetrics(worker);
  try {
    const text = await (await fetch(`http://127.0.0.1:${port?.address?.port}/metrics`)).text();
    expect(text).toMatch(/^holdfast_messages_waiting\{way="mail"\} 2$/m);
    expect(text).toMatch(/^holdfast_messages_waiting\{way="webhook"\} 1$/m);
    expect(text).toMatch(/^holdfast_messages_lag_seconds\{way="mail"\} 36\d\d(\.\d+)?$/m);
    expect(text).toMatch(/^holdfast_messages_lag_seconds\{way="webhook"\} 72\d\d(\.\d+)?$/m);
  } finally {
    port?.close();
    await worker.close();
  }
});

test('the port answers nothing else, and one that is taken stops nobody', async () => {
  const options = { host: '127.0.0.1', read: async () => 'metric 1\n', log: LOG };
  const port = await serveMetrics({ ...options, port: 0 });
  try {
    const base = `http://127.0.0.1:${port.address?.port}`;
    const answers = await Promise.all([
      fetch(`${base}/metrics`),
      fetch(base),
      fetch(`${base}/metrics`, { method: 'POST' }),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([200, 404, 405]);
    const second = await serveMetrics({ ...options, port: port.address?.port ?? 0 });
    expect(second.address).toBeNull();
  } finally {
    port.close();
  }
});

test('a supervisor adds up its web processes', async () => {
  const counting = `
import { createRequire } from 'node:module';
const { AggregatorRegistry, Counter, Registry } = createRequire('${path.resolve('package.json')}')('prom-client');
const registry = new Registry();
new AggregatorRegistry();
AggregatorRegistry.setRegistries([registry]);
new Counter({ name: 'served', help: 'served', registers: [registry] }).inc(2);`;
  const supervisor = await startSupervisor(webCode({ graceMs: 100, more: counting }), { METRICS_PORT: '0' });
  try {
    const said = () => /"port":(\d+)\},"msg":"metrics are at/.exec(supervisor.log());
    await until(() => said() !== null);
    const port = said()?.[1];
    expect(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()).toMatch(/^served 4$/m);
  } finally {
    await supervisor.cleanUp();
  }
});
