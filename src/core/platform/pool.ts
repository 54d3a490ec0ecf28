// A pool that makes do with the connections it gets: where the server, the database or the role may have no more, whoever
// wants one waits for those that there are.
import pg from 'pg';

const TOO_MANY_CONNECTIONS = '53300';
/** As PgBouncer says it. */
const NO_MORE = /no more connections allowed/;

/** After a refusal no further connection is tried for so long. */
const CONTENT_MS = 2_000;

type Callback = (error: Error | undefined, client: pg.PoolClient | undefined, done: pg.PoolClient['release']) => void;

export interface PatientPoolOptions extends pg.PoolConfig {
  readonly max: number;
  readonly connectionTimeoutMillis: number;
}

/** Throws what the server said only where it has no connection at all, or none is free in time. */
export class PatientPool extends pg.Pool {
  readonly #wanted: PatientPoolOptions;
  #contentUntil = 0;

  constructor(options: PatientPoolOptions) {
    super(options);
    this.#wanted = options;
  }

  override connect(): Promise<pg.PoolClient>;
  override connect(callback: Callback): void;
  override connect(callback?: Callback): Promise<pg.PoolClient> | undefined {
    const connecting = this.#connect();
    if (!callback) return connecting;
    connecting.then(
      (client) => callback(undefined, client, client.release),
      (error: Error) => callback(error, undefined, () => undefined),
    );
    return undefined;
  }

  async #connect(): Promise<pg.PoolClient> {
    const deadline = performance.now() + this.#wanted.connectionTimeoutMillis;
    for (;;) {
      if (performance.now() > this.#contentUntil) this.options.max = this.#wanted.max;
      try {
        return await super.connect();
      } catch (error) {
        if (!isRefusal(error) || this.totalCount === 0 || performance.now() > deadline) throw error;
        this.options.max = this.totalCount;
        this.#contentUntil = performance.now() + CONTENT_MS;
      }
    }
  }
}

/** Whether there may be no more connections: of the server, the database, the role, or the pooler. */
function isRefusal(error: unknown): boolean {
  const { code, message } = error as { code?: unknown; message?: unknown };
  return code === TOO_MANY_CONNECTIONS || NO_MORE.test(String(message));
}
