// Brings a database to the present schema with Prisma's own schema engine, in its WebAssembly build: the native binary is
// a download that not every machine can make. It keeps `_prisma_migrations` as `prisma migrate deploy` does, so either
// may go on where the other left off. Then it makes the login roles that the processes connect as.
import { readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { PrismaPg } from '@prisma/adapter-pg';
import { bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils';
import pg from 'pg';
import { projectRoot } from './project-root.ts';

interface MigrationDirectory {
  path: string;
  migrationFile: { path: string; content: { tag: 'ok'; value: string } };
}

interface SchemaEngine {
  applyMigrations(input: object): Promise<{ appliedMigrationNames: string[] }>;
  free?(): void;
}

interface EngineModule {
  SchemaEngine: { new: (options: object, log: (line: string) => void, adapter: unknown) => Promise<SchemaEngine> };
  __wbg_set_wasm(exports: WasmExports): void;
}

/** The part of WebAssembly that is used here; Node's types leave it to the browser's. */
type WasmExports = Record<string, () => void>;
interface WasmGlobal {
  instantiate(bytes: Uint8Array, imports: object): Promise<{ instance: { exports: WasmExports } }>;
}

const NO_FILTERS = { externalTables: [], externalEnums: [] };
const folder = path.join(projectRoot, 'prisma', 'migrations');

let engineModule: Promise<EngineModule> | null = null;

/**
 * Whoever comes after a migration that waits for a table waits too: not for long, and then they have their turn. Longer than
 * `deadlock_timeout` (1 s), after which PostgreSQL has an autovacuum make way.
 */
const LOCK_TIMEOUT_MS = 2_000;
/** Nothing is wrong with the script: lock_not_available, and deadlock_detected. */
const BUSY: ReadonlySet<string | undefined> = new Set(['55P03', '40P01']);

/** An index that is built concurrently waits for every transaction that is under way, and is in nobody's way meanwhile. */
const CONCURRENT_LOCK_TIMEOUT_MS = 60_000;
const TURN_POLL_MS = 200;
const CONCURRENT_INDEX = /^CREATE INDEX CONCURRENTLY "(\w+)"/m;

/** Advisory locks: whoever migrates holds the first throughout, and each script's transaction holds the second. */
const TURN = 7_042_001;
const SCRIPT = 7_042_002;

const WAIT_MS = 10 * 60_000;

export interface MigrateOptions {
  /** How long to try a migration again whose table somebody else holds, as a backup does while it runs; and to await one's turn. */
  readonly waitMs?: number;
  readonly pauseMs?: number;
  /** Told of each time that a table is in use, so that the migration has to be tried again; and that another run has its turn first. */
  readonly onWait?: (what: 'table' | 'turn') => void;
}

/**
 * Applies the migrations that are missing, in order, and returns their names. The role in the URL owns the schema. Of several
 * at once one has its turn after the other; one that was killed is in nobody's way.
 * Throws with the database's own message if a migration fails; nothing of that migration stays.
 */
export async function migrate(ownerUrl: string, options: MigrateOptions = {}): Promise<string[]> {
  const pool = new pg.Pool({ connectionString: ownerUrl, max: 3, connectionTimeoutMillis: 5_000 });
  try {
    const turn = await takeTurn(pool, options);
    try {
      await forgetKilled(pool);
      return await applyMissing(pool, options);
    } finally {
      turn.release(true); // the lock is gone with the connection
    }
  } finally {
    await pool.end();
  }
}

/** Asks again and again: whoever waited within a statement would hold up an index that is built concurrently. */
async function takeTurn(pool: pg.Pool, { waitMs = WAIT_MS, onWait }: MigrateOptions): Promise<pg.PoolClient> {
  const client = await pool.connect();
  try {
    const deadline = performance.now() + waitMs;
    for (let tries = 0; ; tries += 1) {
      const { rows } = await client.query<{ taken: boolean }>('SELECT pg_try_advisory_lock($1) AS taken', [TURN]);
      if (rows[0]?.taken) return client;
      if (performance.now() > deadline) throw new Error('Another migration of this database is still under way.');
      if (tries === 0) onWait?.('turn');
      await delay(TURN_POLL_MS);
    }
  } catch (error) {
    client.release(true);
    throw error;
  }
}

/**
 * The engine notes a migration before it runs the script, and asks for mending by hand where that was not finished. But a script
 * and the note that it is done are one transaction here: what is not noted as done left nothing, or an index to be built anew.
 */
async function forgetKilled(pool: pg.Pool): Promise<void> {
  const { rows } = await pool.query<{ known: boolean }>(
    `SELECT to_regclass('_prisma_migrations') IS NOT NULL AS known`,
  );
  if (!rows[0]?.known) return;
  // PostgreSQL may still be at the script of one that was killed.
  await pool.query(`SELECT pg_advisory_xact_lock(${SCRIPT});
                    DELETE FROM _prisma_migrations WHERE finished_at IS NULL AND rolled_back_at IS NULL`);
}

async function applyMissing(pool: pg.Pool, options: MigrateOptions): Promise<string[]> {
  const migrationsList = await readMigrations();
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
    await forgetKilled(pool).catch(() => undefined); // the next one does
    throw name === undefined ? reason : new Error(`Migration ${name}: ${reason.message}`, { cause: reason });
  } finally {
    engine.free?.();
  }
}

/**
 * Makes a login role from the name and password of a URL, or gives it that password, and lets it act as `group` and as
 * nothing more. The role in `ownerUrl` needs CREATEROLE.
 */
export async function grantLogin(
  ownerUrl: string,
  loginUrl: string,
  group: 'holdfast_web' | 'holdfast_worker',
): Promise<void> {
  const { username, password } = new URL(loginUrl);
  const role = pg.escapeIdentifier(decodeURIComponent(username));
  const secret = pg.escapeLiteral(decodeURIComponent(password));
  const client = new pg.Client({ connectionString: ownerUrl, connectionTimeoutMillis: 5_000 });
  await client.connect();
  try {
    const { rowCount } = await client.query('SELECT FROM pg_roles WHERE rolname = $1', [decodeURIComponent(username)]);
    await client.query(`${rowCount ? 'ALTER' : 'CREATE'} ROLE ${role} LOGIN PASSWORD ${secret}`);
    await client.query(`GRANT ${group} TO ${role}`);
  } finally {
    await client.end();
  }
}

/**
 * The adapter splits a script at every semicolon, inside functions too; PostgreSQL takes it whole, as one transaction, and with
 * it the note that the migration is done. A script that is one `CREATE INDEX CONCURRENTLY` is run by itself.
 */
class WholeScripts extends PrismaPg {
  readonly #pool: pg.Pool;
  readonly #names: ReadonlyMap<string, string>;
  readonly #options: MigrateOptions;
  /** The script that failed last, and why; the engine tells neither. */
  failed: { readonly name: string | undefined; readonly reason: Error } | null = null;

  constructor(pool: pg.Pool, names: ReadonlyMap<string, string>, options: MigrateOptions) {
    super(pool);
    this.#pool = pool;
    this.#names = names;
    this.#options = options;
  }

  override async connect() {
    const adapter = await super.connect();
    adapter.executeScript = (script: string) => this.#execute(script);
    return adapter;
  }

  async #execute(script: string): Promise<void> {
    const { waitMs = WAIT_MS, pauseMs = 5_000, onWait = () => undefined } = this.#options;
    for (const deadline = performance.now() + waitMs; ; ) {
      try {
        const [, index] = CONCURRENT_INDEX.exec(script) ?? [];
        if (index === undefined) await this.#pool.query(this.#transactionOf(script));
        else await this.#buildConcurrently(index, script);
        return;
      } catch (error) {
        if (!BUSY.has((error as { code?: string }).code) || performance.now() > deadline) {
          this.failed = { name: this.#names.get(script), reason: error as Error };
          throw error;
        }
        onWait('table');
        await delay(pauseMs);
      }
    }
  }

  #transactionOf(script: string): string {
    const name = this.#names.get(script);
    const done =
      name === undefined
        ? ''
        : `UPDATE _prisma_migrations SET finished_at = now()
            WHERE migration_name = ${pg.escapeLiteral(name)} AND finished_at IS NULL AND rolled_back_at IS NULL`;
    return `SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS};
            SELECT pg_advisory_xact_lock(${SCRIPT});
            ${script}\n;${done}`;
  }

  /** In no transaction, as PostgreSQL demands. What a try that failed or was killed has left of the index is of no use. */
  async #buildConcurrently(index: string, script: string): Promise<void> {
    const client = await this.#pool.connect();
    try {
      await client.query(`SET lock_timeout = ${CONCURRENT_LOCK_TIMEOUT_MS}`);
      await client.query(`DROP INDEX CONCURRENTLY IF EXISTS ${pg.escapeIdentifier(index)}`);
      await client.query(script);
    } finally {
      client.release(true);
    }
  }
}

async function openEngine(scripts: WholeScripts): Promise<SchemaEngine> {
  engineModule ??= instantiate();
  const { SchemaEngine } = await engineModule;
  const schemaPath = path.join(projectRoot, 'prisma', 'schema.prisma');
  const datamodels = [[schemaPath, await readFile(schemaPath, 'utf8')]];
  return SchemaEngine.new({ datamodels }, () => undefined, bindMigrationAwareSqlAdapterFactory(scripts));
}

async function instantiate(): Promise<EngineModule> {
  const folderOfEngine = path.dirname(createRequire(import.meta.url).resolve('@prisma/schema-engine-wasm'));
  const glue = (await import(path.join(folderOfEngine, 'schema_engine_bg.js'))) as EngineModule;
  Object.assign(globalThis, {
    PRISMA_WASM_PANIC_REGISTRY: { set_message: (message: string) => process.stderr.write(`${message}\n`) },
  });
  const { WebAssembly } = globalThis as unknown as { WebAssembly: WasmGlobal };
  const { instance } = await WebAssembly.instantiate(
    await readFile(path.join(folderOfEngine, 'schema_engine_bg.wasm')),
    { './schema_engine_bg.js': glue },
  );
  glue.__wbg_set_wasm(instance.exports);
  instance.exports['__wbindgen_start']?.();
  return glue;
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
