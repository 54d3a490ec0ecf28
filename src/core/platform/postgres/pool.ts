// A pool that makes do with the connections it gets: where the server, the database or the role may have no more, whoever
// wants one waits for those that there are.
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';

const TOO_MANY_CONNECTIONS = '53300';
/** As PgBouncer says it. */
const NO_MORE = /no more connections allowed/;

/** After a refusal no further connection is tried for so long; then one more, and another … */
const CONTENT_MS = 500;
const GROW_MS = 50;
/** PostgreSQL counts those that it is about to refuse: of many at once it may refuse all. Without a single one it is asked again. */
const PAUSE_MS = 50;
const PAUSES = 8;

type Callback = (error: Error | undefined, client: pg.PoolClient | undefined, done: pg.PoolClient['release']) => void;

export interface PatientPoolOptions extends pg.PoolConfig {
  readonly max: number;
  readonly connectionTimeoutMillis: number;
}

/** Throws what the server said only where it has no connection at all, or none is free in time. */
export class PatientPool extends pg.Pool {
  readonly #wanted: PatientPoolOptions;
  #growAt = 0;
  #pause: Promise<void> | null = null;

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
    for (let pauses = 0; ; ) {
      this.#grow();
      try {
        return await super.connect();
      } catch (error) {
        if (!isRefusal(error) || performance.now() > deadline) throw error;
        this.#makeDo();
        if (this.totalCount > 0) continue;
        pauses += 1;
        if (pauses > PAUSES) throw error;
        await this.#rest();
      }
    }
  }

  #makeDo(): void {
    this.options.max = Math.max(1, this.totalCount);
    this.#growAt = performance.now() + CONTENT_MS;
  }

  #grow(): void {
    const now = performance.now();
    if (this.options.max >= this.#wanted.max || now < this.#growAt) return;
    this.options.max += 1;
    this.#growAt = now + GROW_MS;
  }

  /** All who wait for the first connection wait together. */
  #rest(): Promise<void> {
    this.#pause ??= delay(PAUSE_MS).finally(() => {
      this.#pause = null;
    });
    return this.#pause;
  }
}

/** Whether there may be no more connections: of the server, the database, the role, or the pooler. */
function isRefusal(error: unknown): boolean {
  const { code, message } = error as { code?: unknown; message?: unknown };
  return code === TOO_MANY_CONNECTIONS || NO_MORE.test(String(message));
}
