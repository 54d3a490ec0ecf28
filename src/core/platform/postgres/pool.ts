// A pool that makes do with the connections it gets: where the server, the database or the role may have no more, whoever
// wants one waits for those that there are.
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { Breaker, type BreakerOptions, isHostFault } from './breaker.ts';
import { cancel, isBusy, isFull } from './hosts.ts';

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
  readonly breaker: Omit<BreakerOptions, 'isWaiting'>;
}

/**
 * Throws what the server said only where it has no connection at all, or none is free in time; and at once while PostgreSQL
 * is known to be away.
 */
export class PatientPool extends pg.Pool {
  readonly #wanted: PatientPoolOptions;
  readonly #breaker: Breaker;
  #growAt = 0;
  #pause: Promise<void> | null = null;

  constructor(options: PatientPoolOptions) {
    const { breaker: given, ...rest } = options;
    const breaker = new Breaker({ ...given, isWaiting: () => this.totalCount > this.idleCount });
    super({ ...rest, Client: breaker.Client } as pg.PoolConfig);
    this.#wanted = options;
    this.#breaker = breaker;
  }

  /** Why PostgreSQL can't be used; null while it can, as far as is known. */
  get away(): string | null {
    return this.#breaker.away?.message ?? null;
  }

  /** A number that changes with whatever comes on any connection. */
  get heard(): number {
    return this.#breaker.heard;
  }

  /** Asks the hosts again which of them takes writes, of the newest timeline, and connects anew. Never throws. */
  lookAgain(): void {
    void this.#breaker.leave();
  }

  override end(): Promise<void>;
  override end(callback: () => void): void;
  override end(callback?: () => void): Promise<void> | undefined {
    this.#breaker.close();
    return callback ? void super.end(callback) : super.end();
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
    await this.#breaker.choose();
    const deadline = performance.now() + this.#wanted.connectionTimeoutMillis;
    for (let pauses = 0, looked = false; ; ) {
      this.#grow();
      try {
        const connected = super.connect();
        this.#breaker.watch();
        return closeIfBusy(await connected);
      } catch (error) {
        if (!isFull(error) && isHostFault(error) && !looked && (await this.#breaker.look())) {
          looked = true;
          continue;
        }
        if (!isFull(error) || performance.now() > deadline) throw error;
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

/**
 * A statement that was given up, as a commit that waits for a synchronous standby, holds its connection: that is not lent to the
 * next one but closed, and the server told to give up too. It would wait on for as long as the standby is away.
 */
function closeIfBusy(client: pg.PoolClient): pg.PoolClient {
  const release = client.release.bind(client);
  client.release = (given) => {
    if (given instanceof pg.DatabaseError || !isBusy(client)) return release(given);
    cancel(client);
    release(given || new Error('it still waits for the server'));
  };
  return client;
}
