// How a command reaches the stores: by the environment, else by the up.json of a running `npm run up`.
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import type { Context } from '../core/context.ts';
import { projectRoot } from '../core/platform/project-root.ts';
import { readSecretFiles } from '../secret-files.ts';
import { commandLog, optimiseLess, UNCOUNTED } from './lean.ts';

const REDIS_WAIT_MS = 2_000;

interface Running {
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly redisSettings?: Readonly<Record<string, string>>;
  readonly auditPublicKey?: string;
  readonly url?: string;
  readonly pids?: { readonly launcher?: number };
}

/** The environment with the secrets in files, and the addresses of a running `up` where it leaves them out. */
export async function commandEnvironment(
  given: NodeJS.ProcessEnv,
  needed: readonly string[] = ['DATABASE_URL', 'REDIS_URL'],
): Promise<NodeJS.ProcessEnv> {
  const { env, problems } = readSecretFiles(given);
  if (problems.length > 0) throw new Error(problems.join('\n'));
  if (needed.every((name) => env[name])) return env;
  const file = upFileOf(env['DATA_DIR']);
  const running = await readRunning(file);
  const addresses = { DATABASE_URL: running.databaseUrl, REDIS_URL: running.redisUrl };
  refuseMixed(env, addresses, needed, file);
  const redisUrl = env['REDIS_URL'] || running.redisUrl;
  return {
    ...(redisUrl === running.redisUrl ? running.redisSettings : {}),
    ...env,
    DATABASE_URL: env['DATABASE_URL'] || running.databaseUrl,
    REDIS_URL: redisUrl,
    AUDIT_PUBLIC_KEYS: env['AUDIT_PUBLIC_KEYS'] || running.auditPublicKey,
    PUBLIC_URL: env['PUBLIC_URL'] || running.url,
  };
}

/** A database of one Holdfast with the Redis of another: what ends in the one would go on in the other. */
function refuseMixed(
  env: NodeJS.ProcessEnv,
  running: Readonly<Record<string, string>>,
  needed: readonly string[],
  file: string,
): void {
  const strange = needed.find((name) => env[name] && env[name] !== running[name]);
  const missing = needed.find((name) => !env[name]);
  if (strange && missing)
    throw new Error(
      `${strange} is given, ${missing} is not, and the Holdfast of ${file} has others. Give both or none.`,
    );
}

/** Without DATA_DIR in this folder, else in Holdfast's own, where `npm run up` keeps it. */
function upFileOf(dataDir: string | undefined): string {
  if (dataDir) return path.join(dataDir, 'up.json');
  const [here, own] = ['.data/up.json', path.join(projectRoot, '.data/up.json')] as const;
  return existsSync(here) || !existsSync(own) ? here : own;
}

const START = 'Start it with "npm run up", or give DATABASE_URL and REDIS_URL.';

async function readRunning(file: string): Promise<Running> {
  const text = await readFile(file, 'utf8').catch(({ code }: NodeJS.ErrnoException) => {
    if (code === 'ENOENT' || code === 'ENOTDIR')
      throw new Error(`Nothing is running here (${file} is not there). ${START}`);
    throw new Error(
      `${file}, where a running Holdfast is found, can't be read (${code}). Run the command as its user.`,
    );
  });
  const running = parsed(text);
  if (running === null) throw new Error(`${file} is damaged. Stop the Holdfast that runs there and start it again.`);
  if (running.pids?.launcher !== undefined && !isAlive(running.pids.launcher))
    throw new Error(`Nothing is running here any more (${file} is of an earlier start). ${START}`);
  return running;
}

function parsed(text: string): Running | null {
  try {
    const value = JSON.parse(text) as Partial<Running> | null;
    return value?.databaseUrl && value.redisUrl ? (value as Running) : null;
  } catch {
    return null;
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/**
 * Opens the stores for a command; `more` adds to its environment. The core is imported here, so that help and wrong arguments do
 * without it.
 */
export async function withContext<T>(work: (context: Context) => Promise<T>, more: NodeJS.ProcessEnv = {}): Promise<T> {
  const env = { ...(await commandEnvironment(process.env)), ...more };
  optimiseLess();
  const [{ readConfig }, { createContext }] = await Promise.all([
    import('../core/config.ts'),
    import('../core/context.ts'),
  ]);
  const config = readConfig({ ...env, DATABASE_POOL: env['DATABASE_POOL'] || '3' }, { signs: false });
  // The worker's sweep comes within a second or two: to nudge it would take as long as all the rest.
  const options = { metrics: UNCOUNTED, nudges: false };
  const context = createContext(config, commandLog(env['LOG_LEVEL'] || 'error'), options);
  context.database.prisma.$connect().catch(() => undefined); // loads its compiler while Redis is waited for
  try {
    await settle(context);
    return await work(context);
  } finally {
    await context.close();
  }
}

/** For what only reads: PostgreSQL alone, a tenth of the modules, and no setting but its URL. */
export async function withPool<T>(work: (pool: pg.Pool, env: NodeJS.ProcessEnv) => Promise<T>): Promise<T> {
  const env = await commandEnvironment(process.env, ['DATABASE_URL']);
  const { openPool } = await import('../core/platform/postgres/open-pool.ts');
  const pool = openPool({ url: env['DATABASE_URL'] ?? '', poolSize: 2, standby: true });
  try {
    return await work(pool, env);
  } finally {
    await pool.end();
  }
}

/** Waits a moment for Redis, so that what a command ends, ends there at once. PostgreSQL is enough. */
async function settle({ sessionCache }: Context): Promise<void> {
  const deadline = performance.now() + REDIS_WAIT_MS;
  while (!sessionCache.health().redis && performance.now() < deadline) await delay(10);
}
