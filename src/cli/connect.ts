// How a command reaches the stores: by the environment, else by the up.json of a running `npm run up`.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Context } from '../core/context.ts';
import { readSecretFiles } from '../secret-files.ts';

const REDIS_WAIT_MS = 2_000;

interface Running {
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly auditPublicKey?: string;
  readonly url?: string;
}

/** The environment with the secrets in files, and the addresses of a running `up` where it leaves them out. */
export async function commandEnvironment(given: NodeJS.ProcessEnv): Promise<NodeJS.ProcessEnv> {
  const { env, problems } = readSecretFiles(given);
  if (problems.length > 0) throw new Error(problems.join('\n'));
  if (env['DATABASE_URL'] && env['REDIS_URL']) return env;
  const file = path.join(env['DATA_DIR'] || '.data', 'up.json');
  const text = await readFile(file, 'utf8').catch(() => null);
  if (text === null) {
    throw new Error(
      `Nothing is running here (${file} is not there). Start it with "npm run up", or give DATABASE_URL and REDIS_URL.`,
    );
  }
  const running = JSON.parse(text) as Running;
  return {
    ...env,
    DATABASE_URL: env['DATABASE_URL'] || running.databaseUrl,
    REDIS_URL: env['REDIS_URL'] || running.redisUrl,
    AUDIT_PUBLIC_KEYS: env['AUDIT_PUBLIC_KEYS'] || running.auditPublicKey,
    PUBLIC_URL: env['PUBLIC_URL'] || running.url,
  };
}

/** Opens the stores for a command. The core is imported here, so that help and wrong arguments do without it. */
export async function withContext<T>(work: (context: Context) => Promise<T>): Promise<T> {
  const env = await commandEnvironment(process.env);
  const [{ readConfig }, { createContext }, { createLog }] = await Promise.all([
    import('../core/config.ts'),
    import('../core/context.ts'),
    import('../core/platform/log.ts'),
  ]);
  const config = readConfig({ ...env, DATABASE_POOL: env['DATABASE_POOL'] || '3' }, { signs: false });
  const context = createContext(config, createLog({ level: env['LOG_LEVEL'] || 'error', name: 'cli' }));
  try {
    await settle(context);
    return await work(context);
  } finally {
    await context.close();
  }
}

/** Waits a moment for Redis, so that what a command ends, ends there at once. PostgreSQL is enough. */
async function settle({ sessionCache }: Context): Promise<void> {
  const deadline = performance.now() + REDIS_WAIT_MS;
  while (!sessionCache.health().redis && performance.now() < deadline) await delay(20);
}
