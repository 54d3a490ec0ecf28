// Holdfast as it is shipped, under the supervisor in production mode, beside a worker: made ready to be measured, with a person,
// an operator and an audit log.
import { Redis } from 'ioredis';
import { type Installation, install } from '../../harness/installation.ts';
import { query } from '../../harness/query.ts';
import { until } from '../../harness/until.ts';
import { hashToken } from '../../src/core/credentials/random-token.ts';
import { keys } from '../../src/core/platform/redis.ts';
import { fetchPage, PASSWORD, submit } from './browser.ts';
import type { Target } from './load.ts';
import { pin, processTree } from './processes.ts';
import { get, post, type Work } from './stacks.ts';

export interface Holdfast {
  readonly installation: Installation;
  /** From the start of a web process until it is ready. */
  readonly readyMs: number;
  readonly pages: Readonly<Record<'profile' | 'login' | 'logIn' | 'audit', Target>>;
  readonly work: Work;
  /** Of the person's session. */
  readonly cookie: string;
}

/** Bytes of the session that everybody is measured with, as it is kept in Redis. */
const SESSION_BYTES = 400;
const EMAIL = 'somebody@example.org';
const OPERATOR = 'operator@example.org';

/** Starts the Holdfast of this checkout, or of another, and makes it ready. */
export async function startHoldfast(webProcesses: number, root?: string): Promise<Holdfast> {
  const env = { METRICS_PORT: '0', SECOND_FACTOR: 'nobody' };
  const installation = await install({ webProcesses, env, ...(root ? { root } : {}) });
  const { port, servers } = installation;
  const elsewhere = [servers.postgres().pid, servers.redis().pid, installation.worker().pid];
  for (const pid of [process.pid, ...elsewhere.flatMap(processTree)]) pin(pid, 'elsewhere');
  if (webProcesses === 1) for (const pid of installation.webPids()) pin(pid, 'server');
  await countStatements(installation);

  const cookie = await register(port, EMAIL);
  const kept = await fillSession(installation, cookie);
  const profile = await fetchPage(port, '/profile', cookie);
  await register(port, OPERATOR);
  await query(servers.database.superuserUrl, `UPDATE user_account SET role = 'operator' WHERE email = $1`, [OPERATOR]);
  const form = await fetchPage(port, '/login');
  const fields = { email: EMAIL, password: PASSWORD, _csrf: form.csrf };
  const operator = await submit(port, '/login', form, { ...fields, email: OPERATOR });
  await fetchPage(port, '/operator/audit', operator);
  return {
    installation,
    readyMs: readyAfter(installation.logOf('web')),
    cookie,
    work: { html: profile.html, email: EMAIL, csrf: profile.csrf, ...kept },
    pages: {
      profile: { port, status: 200, request: get(port, '/profile', cookie) },
      login: { port, status: 200, request: get(port, '/login', '') },
      logIn: { port, status: 303, request: post(port, '/login', form.cookie, fields) },
      audit: { port, status: 200, request: get(port, '/operator/audit', operator) },
    },
  };
}

async function register(port: number, email: string): Promise<string> {
  const form = await fetchPage(port, '/register');
  return submit(port, '/register', form, { email, password: PASSWORD, _csrf: form.csrf });
}

/** Lets PostgreSQL count statements, which it can only from a start on. */
async function countStatements({ port, servers }: Installation): Promise<void> {
  const { superuserUrl } = servers.database;
  await query(superuserUrl, `ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'`);
  await servers.postgres().stop();
  await servers.startPostgresAgain();
  pin(servers.postgres().pid, 'elsewhere');
  await query(superuserUrl, 'CREATE EXTENSION pg_stat_statements');
  const ready = async () => (await fetch(`http://127.0.0.1:${port}/readyz`)).text();
  await until(async () => (await ready()) === '{"status":"ok"}', 20_000);
}

/** Statements that web processes have sent so far, but for those of the watch, which no request waits for. */
export async function statements({ servers }: Installation): Promise<number> {
  const [row] = await query<{ calls: number }>(
    servers.database.superuserUrl,
    `SELECT coalesce(sum(calls), 0)::int AS calls FROM pg_stat_statements JOIN pg_roles ON userid = pg_roles.oid
      WHERE rolname = $1 AND query !~ 'lineage FROM audit_head|ending_seq IS NULL'`,
    [new URL(servers.database.webUrl).username],
  );
  return row?.calls ?? Number.NaN;
}

/** Gives the session application data, so that its copy in Redis has the bytes that were agreed on. */
async function fillSession(
  { port, servers }: Installation,
  cookie: string,
): Promise<Pick<Work, 'sessionBytes' | 'bytesInRedis'>> {
  const hash = hashToken(cookie.slice(cookie.indexOf('=') + 1).split('.')[0] ?? '');
  const key = `hf:${keys.session(hash.toString('base64url'))}`;
  const redis = new Redis(servers.redisUrl);
  try {
    const withNoteOf = async (length: number): Promise<number> => {
      const data = `UPDATE session SET data = jsonb_build_object('note', repeat('n', $1)) WHERE token_hash = $2`;
      await query(servers.database.superuserUrl, data, [length, hash]);
      await redis.del(key);
      await fetchPage(port, '/profile', cookie);
      await until(async () => (await redis.exists(key)) === 1, 10_000); // it comes back after the answer
      return redis.strlen(key);
    };
    const sessionBytes = await withNoteOf(SESSION_BYTES - (await withNoteOf(0)));
    return { sessionBytes, bytesInRedis: Number(await redis.call('MEMORY', 'USAGE', key)) };
  } finally {
    redis.disconnect();
  }
}

/** By the supervisor's log, in milliseconds: of the slowest process, from its start. */
export function readyAfter(log: string): number {
  const lines = log.split('\n').filter((line) => line.includes('"webPid"'));
  const entries = lines.map((line) => JSON.parse(line) as { time: string; webPid: number; msg: string });
  const moments = (msg: string) =>
    new Map(entries.filter((one) => one.msg === msg).map((one) => [one.webPid, Date.parse(one.time)]));
  const ready = moments('a web process is ready');
  return Math.max(...[...moments('a web process starts')].map(([pid, at]) => (ready.get(pid) ?? Number.NaN) - at));
}
