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
import { projectRoot } from './config.ts';

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

export interface MigrateOptions {
  /** How long to try a migration again whose table somebody else holds, as a backup does while it runs. */
  readonly waitMs?: number;
  readonly pauseMs?: number;
  /** Told of each time that it has to be tried again. */
  readonly onWait?: () => void;
}

/**
 * Applies the migrations that are missing, in order, and returns their names. The role in the URL owns the schema.
 * Throws with the database's own message if a migration fails; nothing of that migration stays.
 */
export async function migrate(ownerUrl: string, options: MigrateOptions = {}): Promise<string[]> {
  const pool = new pg.Pool({ connectionString: ownerUrl, max: 2, connectionTimeoutMillis: 5_000 });
  try {
    const scripts = new WholeScripts(pool, options);
    const engine = await openEngine(scripts);
    const migrationsList = await readMigrations();
    const applying = engine.applyMigrations({ migrationsList, filters: NO_FILTERS });
    const { appliedMigrationNames } = await applying.catch(async (error: unknown) => {
      if (!scripts.failed) throw error;
      const { script, reason } = scripts.failed;
      // A migration's transaction left nothing: there is nothing to mend by hand, which the engine's record of a failure would ask for.
      const failed = migrationsList.migrationDirectories.find(
        ({ migrationFile }) => migrationFile.content.value === script,
      );
      if (!failed) throw reason;
      const { path: name } = failed;
      await pool.query('DELETE FROM _prisma_migrations WHERE migration_name = $1 AND finished_at IS NULL', [name]);
      throw new Error(`Migration ${name}: ${reason.message}`, { cause: reason });
    });
    engine.free?.();
    return appliedMigrationNames;
  } finally {
    await pool.end();
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

/** The adapter splits a script at every semicolon, inside functions too; PostgreSQL takes it whole, as one transaction. */
class WholeScripts extends PrismaPg {
  readonly #pool: pg.Pool;
  readonly #options: MigrateOptions;
  /** The script that failed last, and why; the engine tells neither. */
  failed: { readonly script: string; readonly reason: Error } | null = null;

  constructor(pool: pg.Pool, options: MigrateOptions) {
    super(pool);
    this.#pool = pool;
    this.#options = options;
  }

  override async connect() {
    const adapter = await super.connect();
    adapter.executeScript = (script: string) => this.#execute(script);
    return adapter;
  }

  async #execute(script: string): Promise<void> {
    const { waitMs = 10 * 60_000, pauseMs = 5_000, onWait = () => undefined } = this.#options;
    for (const deadline = performance.now() + waitMs; ; ) {
      try {
        await this.#pool.query(`SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}; ${script}`);
        return;
      } catch (error) {
        if (!BUSY.has((error as { code?: string }).code) || performance.now() > deadline) {
          this.failed = { script, reason: error as Error };
          throw error;
        }
        onWait();
        await delay(pauseMs);
      }
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
