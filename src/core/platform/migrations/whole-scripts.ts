// Runs the scripts of the migrations, each as a whole.
import { setTimeout as delay } from 'node:timers/promises';
import { PrismaPg } from '@prisma/adapter-pg';
import pg from 'pg';
import { withConnection } from '../postgres/connection.ts';

/**
 * A migration waits for a table no longer than this, because everybody after it waits too. Longer
 * than `deadlock_timeout` (1 s), after which PostgreSQL makes an autovacuum give way.
 */
const LOCK_TIMEOUT_MS = 2_000;
/** The script is not at fault: lock_not_available, deadlock_detected. */
const BUSY: ReadonlySet<string | undefined> = new Set(['55P03', '40P01']);

/** An index that is built concurrently waits for open transactions, and blocks nobody. */
const CONCURRENT_LOCK_TIMEOUT_MS = 60_000;
const CONCURRENT_INDEX = /^CREATE (?:UNIQUE )?INDEX CONCURRENTLY "(\w+)" ON "(\w+)"([^;]*)/m;

const WITHOUT_THEIR_PART = `
  SELECT c.relname AS name FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
   WHERE i.inhparent = to_regclass(quote_ident($1)) AND NOT EXISTS (
         SELECT FROM pg_index AS x JOIN pg_inherits AS h ON h.inhrelid = x.indexrelid
          WHERE x.indrelid = c.oid AND h.inhparent = to_regclass(quote_ident($2)))
   ORDER BY 1 LIMIT 1`;

/** The advisory lock that each script's transaction holds. */
export const SCRIPT_LOCK = 7_042_002;

export const WAIT_MS = 10 * 60_000;

export interface MigrateOptions {
  /** How long to wait for a table that is in use, and for one's turn. */
  readonly waitMs?: number;
  readonly pauseMs?: number;
  /** Called when a table is in use, or another run comes first. */
  readonly onWait?: (what: 'table' | 'turn') => void;
}

/**
 * The adapter would split a script at every semicolon, also inside functions. PostgreSQL takes it
 * whole, in one transaction with the note that the migration is done. A script that is one `CREATE
 * INDEX CONCURRENTLY` runs in none, also where its table has partitions.
 */
export class WholeScripts extends PrismaPg {
  readonly #pool: pg.Pool;
  readonly #names: ReadonlyMap<string, string>;
  readonly #options: MigrateOptions;
  /** What failed last: the engine does not say. */
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
        const [, index, table, on] = CONCURRENT_INDEX.exec(script) ?? [];
        if (index === undefined || table === undefined || on === undefined)
          await this.#pool.query(this.#transactionOf(script));
        else if (await this.#isPartitioned(table)) await this.#buildInParts({ index, table, on });
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
            SELECT pg_advisory_xact_lock(${SCRIPT_LOCK});
            ${script}\n;${done}`;
  }

  /** In no transaction, as PostgreSQL demands. What an earlier try left is of no use. */
  async #buildConcurrently(index: string, script: string): Promise<void> {
    await withConnection(this.#pool, async (client) => {
      await client.query(`SET lock_timeout = ${CONCURRENT_LOCK_TIMEOUT_MS}`);
      await client.query(`DROP INDEX CONCURRENTLY IF EXISTS ${pg.escapeIdentifier(index)}`);
      await client.query(script);
      await client.query('RESET lock_timeout');
    });
  }

  async #isPartitioned(table: string): Promise<boolean> {
    const { rows } = await this.#pool.query<{ kind: string }>(
      `SELECT relkind::text AS kind FROM pg_class WHERE oid = to_regclass($1)`,
      [pg.escapeIdentifier(table)],
    );
    return rows[0]?.kind === 'p';
  }

  /**
   * PostgreSQL builds none concurrently on a table in partitions: so first the index of the whole, of no use and without an entry,
   * then that of each partition, which is hung into it. A partition that is made meanwhile brings its own.
   */
  async #buildInParts({ index, table, on }: { index: string; table: string; on: string }): Promise<void> {
    const whole = pg.escapeIdentifier(index);
    await withConnection(this.#pool, async (client) => {
      await client.query(`SET lock_timeout = ${LOCK_TIMEOUT_MS}`);
      const { rowCount: begun } = await client.query('SELECT FROM pg_class WHERE oid = to_regclass($1)', [whole]);
      // Holds up who writes for a moment, as it has no entry to make.
      if (begun === 0) await client.query(`CREATE INDEX ${whole} ON ONLY ${pg.escapeIdentifier(table)}${on}`);
      for (;;) {
        const { rows } = await client.query<{ name: string }>(WITHOUT_THEIR_PART, [table, index]);
        const [partition] = rows;
        if (!partition) break;
        const part = pg.escapeIdentifier(partition.name + index.slice(table.length));
        await client.query(`SET lock_timeout = ${CONCURRENT_LOCK_TIMEOUT_MS}`);
        await client.query(`DROP INDEX CONCURRENTLY IF EXISTS ${part}`);
        await client.query(`CREATE INDEX CONCURRENTLY ${part} ON ${pg.escapeIdentifier(partition.name)}${on}`);
        await client.query(`SET lock_timeout = ${LOCK_TIMEOUT_MS}`);
        await client.query(`ALTER INDEX ${whole} ATTACH PARTITION ${part}`);
      }
      await client.query('RESET lock_timeout');
    });
  }
}
