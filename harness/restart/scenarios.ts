// What is done to an installation while it is under load. Each fault is a real one: a signal to a process, a server that is
// stopped, an emptied Redis.
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import pg from 'pg';
import type { Installation } from '../installation.ts';
import { until } from '../until.ts';

export interface Extent {
  readonly reloads: number;
  readonly kills: number;
  readonly awayMs: number;
}

export interface Scenario {
  readonly name: string;
  /** Whether logging in and registering may be answered with 503 meanwhile. */
  readonly mayRefuse?: boolean;
  /** Does it; returns the moments (`performance.now()`) at which the requests in hand of a process could not but be lost. */
  cause(installation: Installation): Promise<readonly Kill[]>;
}

const SETTLE_MS = 1_000;

export function scenarios({ reloads, kills, awayMs }: Extent): readonly Scenario[] {
  const away = `${awayMs / 1_000} s`;
  return [
    {
      name: `${reloads} rolling reloads`,
      async cause(installation) {
        for (let round = 0; round < reloads; round += 1) await installation.reload();
        return [];
      },
    },
    { name: `\`kill -9\` of a web process, ${times(kills)}`, cause: (one) => repeat(kills, () => killWebProcess(one)) },
    {
      name: `\`kill -9\` of the worker in the middle of a batch, ${times(kills)}`,
      cause: async (one) => {
        await repeat(kills, () => killWorkerInBatch(one));
        return [];
      },
    },
    { name: 'Redis restarted', cause: (one) => withoutRedis(one, 0, 'stop') },
    { name: 'Redis killed with `kill -9` and started', cause: (one) => withoutRedis(one, 0, 'kill') },
    { name: `Redis away for ${away}`, cause: (one) => withoutRedis(one, awayMs, 'stop') },
    { name: 'Redis emptied (`FLUSHALL`)', cause: flush },
    { name: 'PostgreSQL restarted', mayRefuse: true, cause: (one) => withoutPostgres(one, 0) },
    { name: `PostgreSQL away for ${away}`, mayRefuse: true, cause: (one) => withoutPostgres(one, awayMs) },
    { name: 'a rolling reload while Redis is away', cause: reloadWithoutRedis },
    { name: 'a rolling reload while PostgreSQL is away', mayRefuse: true, cause: reloadWithoutPostgres },
  ];
}

/** When a process was killed, and when it was gone: on a busy machine its connections close seconds later. */
export interface Kill {
  readonly at: number;
  readonly goneAt: number;
}

/** Ends a web process at once, and waits until another serves in its place. */
export async function killWebProcess({ webPids, logOf }: Installation): Promise<Kill> {
  const ready = () => logOf('web').split('a web process is ready').length;
  const [before, victim] = [ready(), webPids()[0]];
  if (victim === undefined) throw new Error('no web process runs');
  process.kill(victim, 'SIGKILL');
  const at = performance.now();
  await until(() => !isRunning(victim), 30_000);
  const goneAt = performance.now();
  await until(() => ready() > before, 30_000);
  return { at, goneAt };
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Ends the worker while its batch is taken out of the outbox and not yet in the log, and starts another. */
export async function killWorkerInBatch(installation: Installation): Promise<Kill> {
  const worker = installation.worker();
  await inBatch(installation, async () => {
    worker.process.kill('SIGKILL');
    await worker.exited;
  });
  const at = performance.now();
  await installation.startWorker();
  return { at, goneAt: at };
}

/** Holds the worker up in the middle of a batch of what `before` or others record, and lets it go on after `then`. */
export async function inBatch(
  { servers }: Installation,
  then: () => Promise<unknown>,
  before: () => Promise<unknown> = async () => undefined,
): Promise<void> {
  const { superuserUrl, workerUrl } = servers.database;
  const holder = new pg.Client({ connectionString: superuserUrl });
  await holder.connect();
  try {
    await holder.query('BEGIN; LOCK TABLE audit_event IN SHARE MODE'); // reading is allowed, inserting waits
    await before();
    const held = `SELECT FROM pg_locks JOIN pg_stat_activity USING (pid)
                   WHERE NOT granted AND relation = 'audit_event'::regclass AND usename = $1`;
    await until(async () => (await holder.query(held, [new URL(workerUrl).username])).rowCount !== 0, 20_000);
    await then();
  } finally {
    await holder.end();
  }
}

export async function flush({ servers }: Installation): Promise<readonly Kill[]> {
  const redis = new Redis(servers.redisUrl);
  await redis.flushall().finally(() => redis.disconnect());
  return [];
}

async function withoutRedis({ servers }: Installation, forMs: number, how: 'stop' | 'kill'): Promise<readonly Kill[]> {
  await servers.redis()[how]();
  await delay(forMs);
  await servers.startRedisAgain();
  return [];
}

async function withoutPostgres({ servers }: Installation, forMs: number): Promise<readonly Kill[]> {
  await servers.postgres().stop();
  await delay(forMs);
  await servers.startPostgresAgain();
  return [];
}

/** A new process is not ready without Redis: the reload waits for it, and the old ones go on serving. */
async function reloadWithoutRedis({ servers, reload }: Installation): Promise<readonly Kill[]> {
  await servers.redis().stop();
  const reloading = reload();
  await delay(SETTLE_MS * 3);
  await servers.startRedisAgain();
  await reloading;
  return [];
}

/** The same without PostgreSQL: the new process must not even listen before it is back, or people who are logged in meet it. */
export async function reloadWithoutPostgres({ servers, reload }: Installation): Promise<readonly Kill[]> {
  await servers.postgres().stop();
  const reloading = reload();
  await delay(SETTLE_MS * 3);
  await servers.startPostgresAgain();
  await reloading;
  return [];
}

async function repeat(count: number, what: () => Promise<Kill>): Promise<readonly Kill[]> {
  const all: Kill[] = [];
  for (let round = 0; round < count; round += 1) {
    all.push(await what());
    await delay(SETTLE_MS);
  }
  return all;
}

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`;
}
