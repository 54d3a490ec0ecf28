// Whether PostgreSQL can be used, and on which host: known once for the whole pool. While it is away everybody is told so at
// once, and nobody waits again for what does not answer.
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { bytesRead, DatabaseAwayError, findHost, hangUp } from './hosts.ts';
import { PoolerError } from './pooler.ts';

const TURN_MS = 250;
/** So many turns nothing is heard of what was asked: then the host is asked on a connection of its own. */
const QUIET_TURNS = 4;
const LOOK_WITHIN_MS = 1_000;
/** A machine that has too much to do answers in the end: a lone host gets so many times as long, by and by. */
const MOST_PATIENT = 3;

type Connected = ((error: Error) => void) | ((error: null, client: pg.Client) => void);

export interface BreakerOptions {
  readonly hosts: readonly [pg.ClientConfig, ...pg.ClientConfig[]];
  /** A standby will do where nobody takes writes. */
  readonly standby: boolean;
  /** Whether somebody waits for an answer. */
  readonly isWaiting: () => boolean;
  /** Told why PostgreSQL can't be used, and null once it can. */
  readonly onChange: (reason: Error | null) => void;
}

export class Breaker {
  readonly #options: BreakerOptions;
  /** Set while somebody waits: a process at rest is woken by nothing. */
  #turns: NodeJS.Timeout | undefined;
  /** The connections, and what has come on each. */
  readonly #heard = new Map<pg.Client, number>();
  #host: pg.ClientConfig;
  #chosen: boolean;
  #away: Error | null = null;
  #quiet = 0;
  #looking: Promise<boolean> | null = null;
  #closed = false;

  constructor(options: BreakerOptions) {
    this.#options = options;
    this.#host = options.hosts[0];
    this.#chosen = options.hosts.length === 1;
  }

  /** Why PostgreSQL can't be used; null while it can, as far as is known. */
  get away(): Error | null {
    return this.#away;
  }

  /** How many bytes have come on the connections that there are. */
  get heard(): number {
    let bytes = 0;
    for (const client of this.#heard.keys()) bytes += bytesRead(client);
    return bytes;
  }

  /** For a pool: clients go to the present host, and fail at once while there is none. */
  get Client(): typeof pg.Client {
    const [host, connecting] = [() => this.#host, (client: pg.Client) => this.#connecting(client)];
    const Client = class extends pg.Client {
      constructor(config?: pg.ClientConfig) {
        super({ ...config, ...host() });
      }

      override connect(): Promise<pg.Client>;
      override connect(callback: Connected): void;
      override connect(callback?: Connected): Promise<pg.Client> | undefined {
        const away = connecting(this as pg.Client);
        if (away === null) return callback ? void super.connect(callback) : super.connect();
        if (!callback) return Promise.reject(away);
        process.nextTick(callback, away);
        return undefined;
      }
    };
    return Client as typeof pg.Client;
  }

  /** Of several hosts the first connection waits for which it is, unless it is known that none can be used. */
  async choose(): Promise<void> {
    if (!this.#chosen && this.#away === null) await this.look();
  }

  /**
   * Asks the hosts whether one can be used, once for all who ask meanwhile. True if so. Else PostgreSQL counts as away until
   * one can, unless others are being answered.
   */
  look(patience = 1): Promise<boolean> {
    this.#looking ??= this.#look(patience * LOOK_WITHIN_MS).finally(() => {
      this.#looking = null;
    });
    return this.#looking;
  }

  /**
   * The server that was asked is not the one that counts: asks the hosts again, and connects anew where that finds the same one,
   * whose name may lead elsewhere by now.
   */
  async leave(): Promise<void> {
    const before = this.#host;
    if ((await this.look()) && this.#host === before)
      this.#hangUp(new DatabaseAwayError('PostgreSQL is not the one that takes the writes'));
  }

  /** Somebody is about to wait for an answer. */
  watch(): void {
    if (this.#turns !== undefined || this.#closed) return;
    this.#hear();
    this.#turns = setInterval(() => this.#turn(), TURN_MS).unref();
  }

  close(): void {
    this.#closed = true;
    this.#rest();
  }

  #rest(): void {
    clearInterval(this.#turns);
    this.#turns = undefined;
    this.#quiet = 0;
  }

  #connecting(client: pg.Client): Error | null {
    if (this.#away) return new DatabaseAwayError(`PostgreSQL is away: ${this.#away.message}`, { cause: this.#away });
    this.#heard.set(client, 0);
    client.once('end', () => this.#heard.delete(client));
    return null;
  }

  #turn(): void {
    if (!this.#options.isWaiting()) return void this.#rest();
    this.#quiet = this.#hear() || this.#away ? 0 : this.#quiet + 1;
    if (this.#quiet < QUIET_TURNS) return;
    this.#quiet = 0;
    void this.look();
  }

  /** Whether anything has come since it was last asked. */
  #hear(): boolean {
    let heard = false;
    for (const [client, before] of this.#heard) {
      const now = bytesRead(client);
      if (now > before) heard = true;
      this.#heard.set(client, now);
    }
    return heard;
  }

  async #look(withinMs: number): Promise<boolean> {
    const { hosts, standby } = this.#options;
    this.#hear();
    try {
      const found = await findHost(hosts, { withinMs, standby });
      this.#chosen = true;
      if (found !== this.#host) this.#hangUp(new DatabaseAwayError('another host takes the writes'));
      this.#host = found;
      this.#mend();
      return true;
    } catch (error) {
      if (!this.#closed && !this.#hear()) this.#break(error as Error);
      return false;
    }
  }

  #break(reason: Error): void {
    const first = this.#away === null;
    const told = this.#away?.message;
    this.#away = reason;
    if (reason.message !== told) this.#options.onChange(reason);
    this.#hangUp(new DatabaseAwayError(`PostgreSQL is away: ${reason.message}`, { cause: reason }));
    if (first) void this.#lookAgain();
  }

  #mend(): void {
    if (this.#away === null) return;
    this.#away = null;
    this.#options.onChange(null);
  }

  async #lookAgain(): Promise<void> {
    const mostPatient = this.#options.hosts.length === 1 ? MOST_PATIENT : 1;
    for (let looks = 1; this.#away !== null && !this.#closed; looks += 1) {
      await delay(TURN_MS, undefined, { ref: false });
      if (!this.#closed) await this.look(Math.min(looks, mostPatient));
    }
  }

  #hangUp(error: Error): void {
    for (const client of this.#heard.keys()) hangUp(client, error);
  }
}

/** Whether a connection failed by its host, so that another one, or the same one later, may do. */
export function isHostFault(error: unknown): boolean {
  if (error instanceof pg.DatabaseError) return /^(08|57)/.test(error.code ?? '');
  return !(error instanceof PoolerError || error instanceof DatabaseAwayError || NONE_FREE.test(String(error)));
}

/** As the pool says it. */
const NONE_FREE = /timeout exceeded when trying to connect|Cannot use a pool/;
