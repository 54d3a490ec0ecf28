// Brings a database to the present schema with Prisma's schema engine; the native one is a download
// that not every machine can make. It keeps `_prisma_migrations` as `prisma migrate deploy` does,
// so either may continue where the other left off. Makes the login roles of the processes, too.
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { fixSettings, withConnection } from '../postgres/connection.ts';
import { databaseConnections } from '../postgres/database-url.ts';
import { findHost } from '../postgres/hosts.ts';
import { projectRoot } from '../project-root.ts';
import { needOwnConnections, needTriggers, needUtf8 } from './needs.ts';
import { openEngine } from './schema-engine.ts';
import { type MigrateOptions, SCRIPT_LOCK, WAIT_MS, WholeScripts } from './whole-scripts.ts';

interface MigrationDirectory {
  path: string;
  migrationFile: { path: string; content: { tag: 'ok'; value: string } };
}

const NO_FILTERS = { externalTables: [], externalEnums: [] };
const folder = path.join(projectRoot, 'prisma', 'migrations');

/** The advisory lock that whoever migrates holds throughout. */
const TURN_LOCK = 7_042_001;
const TURN_POLL_MS = 200;

export const CONNECT_WITHIN_MS = 5_000;

/**
 * Applies the migrations that are missing, in order, and returns their names. The role in the URL
 * owns the schema. Of several at once one has its turn after the other; one that was killed holds
 * up nobody. Throws with the database's own message if a migration fails; nothing of that migration
 * stays. Throws too where what earlier ones made is no longer whole ({@link needTriggers}).
 */
export async function migrate(ownerUrl: string, options: MigrateOptions = {}): Promise<string[]> {
  const pool = new pg.Pool({
    ...(await findHost(databaseConnections(ownerUrl), { withinMs: CONNECT_WITHIN_MS })),
    max: 3,
    connectionTimeoutMillis: CONNECT_WITHIN_MS,
    onConnect: fixSettings(),
  });
  try {
    // The lock goes with the connection, which the end of the pool closes.
    return await withConnection(pool, async (client) => {
      await needUtf8(client);
      await needOwnConnections(client, pool);
      await takeTurn(client, options);
      await forgetKilled(pool);
      const migrationsList = await readMigrations();
      const applied = await applyMissing(pool, migrationsList, options);
      await needTriggers(
        pool,
        migrationsList.migrationDirectories.map(({ migrationFile }) => migrationFile.content.value),
      );
      return applied;
    });
  } finally {
    await pool.end();
  }
}

/** Polls: whoever waited within a statement would hold up an index that is built concurrently. */
async function takeTurn(client: pg.PoolClient, { waitMs = WAIT_MS, onWait }: MigrateOptions): Promise<void> {
  const deadline = performance.now() + waitMs;
  for (let tries = 0; ; tries += 1) {
    const { rows } = await client.query<{ taken: boolean }>('SELECT pg_try_advisory_lock($1) AS taken', [TURN_LOCK]);
    if (rows[0]?.taken) return;
    if (performance.now() > deadline) throw new Error('Another migration of this database is still under way.');
    if (tries === 0) onWait?.('turn');
    await delay(TURN_POLL_MS);
  }
}

/**
 * The engine notes a migration before it runs the script, and wants an unfinished one mended by
 * hand. Here a script and the note that it is done are one transaction: what is not noted as done
 * left nothing, or an index to be built anew.
 */
async function forgetKilled(pool: pg.Pool): Promise<void> {
  const { rows } = await pool.query<{ known: boolean }>(
    `SELECT to_regclass('_prisma_migrations') IS NOT NULL AS known`,
  );
  if (!rows[0]?.known) return;
  // PostgreSQL may still run the script of a process that was killed.
  await pool.query(`SELECT pg_advisory_xact_lock(${SCRIPT_LOCK});
                    DELETE FROM _prisma_migrations WHERE finished_at IS NULL AND rolled_back_at IS NULL`);
}

async function applyMissing(
  pool: pg.Pool,
  migrationsList: Awaited<ReturnType<typeof readMigrations>>,
  options: MigrateOptions,
): Promise<string[]> {
  const names = new Map(
    migrationsList.migrationDirectories.map(({ path: name, migrationFile }) => [migrationFile.content.value, name]),
  );
  const scripts = new WholeScripts(pool, names, options);
  const engine = await openEngine(scripts);
  try {
    const { appliedMigrationNames } = await engine.applyMigrations({ migrationsList, filters: NO_FILTERS });
    return appliedMigrationNames;
  } catch (error) {
    if (!scripts.failed) throw error;
    const { name, reason } = scripts.failed;
    await forgetKilled(pool).catch(() => undefined); // the next run does
    throw name === undefined ? reason : new Error(`Migration ${name}: ${reason.message}`, { cause: reason });
  } finally {
    engine.free?.();
  }
}

async function readMigrations() {
  const names = (await readdir(folder, { withFileTypes: true }))
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);
  const migrationDirectories: MigrationDirectory[] = await Promise.all(
    names.sort().map(async (name) => ({
      path: name,
      migrationFile: {
        path: 'migration.sql',
        content: { tag: 'ok' as const, value: await readFile(path.join(folder, name, 'migration.sql'), 'utf8') },
      },
    })),
  );
  const lockfile = {
    path: 'migration_lock.toml',
    content: await readFile(path.join(folder, 'migration_lock.toml'), 'utf8'),
  };
  return { baseDir: folder, lockfile, shadowDbInitScript: '', migrationDirectories };
}
