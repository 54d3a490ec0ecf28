// Alerts of a worker that is killed, and of one without Redis: every one arrives, by mail and by webhook, and none twice but where
// the worker died between an answer and its note.
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { type OwnServers, startOwnServers } from '../../harness/own-servers.ts';
import { query } from '../../harness/query.ts';
import { until } from '../../harness/until.ts';
import { type LogReceiver, startLogReceiver } from '../support/log-receiver.ts';
import { type MailServer, startMailServer } from '../support/mail-server.ts';
import { type RunningWorker, startWorkerProcess } from '../support/worker-process.ts';

const WITHIN_MS = 60_000;
const OPERATOR = 'operator@example.org';

let servers: OwnServers;
let receiver: LogReceiver;
let mailServer: MailServer;
let running: RunningWorker[];
let client: number;

beforeEach(async () => {
  [servers, receiver, mailServer] = await Promise.all([startOwnServers(), startLogReceiver(), startMailServer()]);
  [running, client] = [[], 0];
  await sql(
    `INSERT INTO user_account (id, email, email_key, password_hash, role) VALUES (gen_random_uuid(), $1, $1, 'x', 'operator')`,
    [OPERATOR],
  );
});

afterEach(async () => {
  for (const worker of running) worker.process.kill('SIGKILL');
  await Promise.all(running.map(({ exited }) => exited));
  await Promise.all([receiver?.close(), mailServer?.stop()]);
  await servers?.close();
});

const sql = <Row>(text: string, values: unknown[] = []) => query<Row>(servers.database.superuserUrl, text, values);

function startWorker(): RunningWorker {
  const { url, secret, caFile } = receiver;
  const env = {
    ...{ ALERT_WEBHOOK_URL: url, ALERT_WEBHOOK_SECRET: secret, ALERT_WEBHOOK_CA: caFile },
    ...{ SMTP_URL: mailServer.url, MAIL_FROM: 'login@example.org', PUBLIC_URL: 'http://login.example.org' },
  };
  const worker = startWorkerProcess({ database: servers.database, redisUrl: servers.redisUrl, env });
  running.push(worker);
  return worker;
}

/** One more client that sprays, in a window of its own. */
async function spray(): Promise<string> {
  client += 1;
  const ip = `203.0.113.${client}`;
  await sql(`UPDATE alert SET closes_at = clock_timestamp() - interval '1 second'`);
  await sql(
    `INSERT INTO outbox (event) SELECT jsonb_build_object('v', 1, 'id', gen_random_uuid(), 'occurredAt',
       to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), 'type', 'authn_password_spraying', 'outcome', 'failure',
       'actor', null, 'subject', null, 'session', null, 'requestId', null, 'ip', $1::text, 'userAgent', null,
       'detail', jsonb_build_object('accounts', 20))`,
    [ip],
  );
  return ip;
}

const posted = () =>
  receiver.taken.flatMap(({ id, lines }) =>
    lines.map((line) => {
      const { data } = JSON.parse(line) as { data: { facts: { ip: string } } };
      return { id, ip: data.facts.ip };
    }),
  );
const mailed = () =>
  mailServer.mailsTo(OPERATOR).map(({ email }) => /203\.0\.113\.\d+/.exec(email.text ?? '')?.[0] ?? '');

async function expectAll(): Promise<void> {
  const all = Array.from({ length: client }, (_, index) => `203.0.113.${index + 1}`);
  const has = (told: readonly string[]) => all.every((ip) => told.includes(ip));
  await until(() => has(posted().map(({ ip }) => ip)) && has(mailed()), WITHIN_MS);
  // What came twice is the same message.
  const ids = new Map(posted().map(({ ip, id }) => [ip, id]));
  expect(posted().filter(({ ip, id }) => ids.get(ip) !== id)).toEqual([]);
}

test('kill -9 before a mail is answered, once an alert is raised, and while it is posted', async () => {
  await spray();
  const first = startWorker();
  mailServer.beforeTaking(async () => void first.process.kill('SIGKILL'));
  await first.exited;
  mailServer.beforeTaking(null);
  // Whoever takes a mail or a post has it for a while.
  const due = () =>
    Promise.all([
      sql('UPDATE mail SET due_at = clock_timestamp() WHERE ended_at IS NULL'),
      sql('UPDATE alert_post SET due_at = clock_timestamp() WHERE ended_at IS NULL'),
    ]);
  await due();
  const raised = async () => (await sql('SELECT FROM alert')).length;
  const moments: readonly ((before: { rows: number; asked: number }) => Promise<boolean>)[] = [
    async ({ rows }) => (await raised()) > rows,
    async ({ asked }) => receiver.asked.length > asked,
  ];
  for (const hasCome of moments) {
    await spray();
    const before = { rows: await raised(), asked: receiver.asked.length };
    const worker = startWorker();
    await until(() => hasCome(before), WITHIN_MS);
    worker.process.kill('SIGKILL');
    await worker.exited;
    await due();
  }
  await spray();
  startWorker();
  await expectAll();
  expect(await sql('SELECT count(*)::int AS n FROM alert')).toEqual([{ n: client }]);
});

test('Redis gone: alerts are told all the same', async () => {
  startWorker();
  await spray();
  await expectAll();
  await servers.redis().kill();
  await spray();
  await expectAll();
});
