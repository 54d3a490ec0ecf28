// A session's copy in Redis, beside the truth in PostgreSQL: read with one command, never believed when this Redis may
// have missed an ending, never able to bring an ended session back. See "How an ended session stays ended" in
// docs/architecture.md. Everything falls back to PostgreSQL; only when neither can be asked is an error thrown.
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { type Redis, ReplyError, type Result } from 'ioredis';
import RedisStore from 'koa-redis';
import { hashToken } from '../credentials/random-token.ts';
import type { Log } from '../platform/log.ts';
import type { SessionSource } from '../platform/metrics.ts';
import { isFull, keys, milliseconds } from '../platform/redis.ts';
import { readAuthenticationMethod } from './authentication-method.ts';
import type {
  AllEndedMark,
  Ending,
  EndReason,
  LiveRecord,
  SessionData,
  SessionOwner,
  SessionRecord,
  SessionTable,
} from './session-table.ts';

/** Thrown when neither Redis nor PostgreSQL can be asked; nothing is known of the session, and nothing must change. */
export class StoresAwayError extends Error {
  constructor(cause: unknown) {
    super('neither Redis nor PostgreSQL can be reached', { cause });
    this.name = 'StoresAwayError';
  }
}

export interface LiveSession {
  readonly state: 'live';
  readonly owner: SessionOwner;
  readonly data: SessionData;
}

export type SessionReading =
  | LiveSession
  | { readonly state: 'ended'; readonly reason: EndReason }
  | { readonly state: 'unknown' };

/** Outlives every request that may still want to write the session back. */
const TOMBSTONE_MS = 10 * 60_000;
/** An id that never existed, or whose row is gone, is remembered shortly, so that guessing costs no SQL. */
const UNKNOWN_MS = 60_000;
const TOUCH_INTERVAL_MS = 60_000;
const REFILL_WITHIN_MS = 1_000;
const WATCH_INTERVAL_MS = 1_000;
const TOUCH_BATCH = 1_000;
/** The worker writes a touch down in seconds, if there is one. */
const LATE_TOUCH_MS = 2 * 60_000;
const LATE_TOUCHES_CHECK_MS = 30_000;
const BATCH = 1_000;

/*
 * A value is `L`, the moment it was last seen and its absolute deadline (13 digits each, Redis's own clock, in
 * milliseconds), then JSON; or, for a tombstone, `E` and the reason. All times are taken and compared inside Redis.
 */
const HEADER = 1 + 13 + 13;

const SCRIPTS = {
  // Writes a copy where there is none, and notes it under its owner until its absolute deadline. An empty Redis has no
  // mark yet, and takes no copies until it has.
  hfRefill: {
    numberOfKeys: 3,
    lua: `if redis.call('EXISTS', KEYS[2]) == 0 then return 0 end
          local t = redis.call('TIME')
          local now = t[1] * 1000 + math.floor(t[2] / 1000)
          local value = string.format('L%013.0f%013.0f', now - ARGV[1], now + ARGV[3]) .. ARGV[4]
          if not redis.call('SET', KEYS[1], value, 'PX', math.min(ARGV[2], ARGV[3]), 'NX') then return 0 end
          redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now)
          redis.call('ZADD', KEYS[3], now + ARGV[3], ARGV[5])
          if redis.call('PTTL', KEYS[3]) < tonumber(ARGV[3]) then redis.call('PEXPIRE', KEYS[3], ARGV[3]) end
          return 1`,
  },
  // Moves the idle deadline of a live copy, at most once in the interval whoever asks. Answers Redis's time.
  hfTouch: {
    numberOfKeys: 2,
    lua: `local t = redis.call('TIME')
          local now = t[1] * 1000 + math.floor(t[2] / 1000)
          local head = redis.call('GETRANGE', KEYS[1], 0, ${HEADER - 1})
          if string.sub(head, 1, 1) ~= 'L' or now - string.sub(head, 2, 14) < ${TOUCH_INTERVAL_MS} then return now end
          local left = math.min(ARGV[1], string.sub(head, 15, 27) - now)
          if left <= 0 then return now end
          redis.call('SETRANGE', KEYS[1], 1, string.format('%013.0f', now))
          redis.call('PEXPIRE', KEYS[1], left)
          redis.call('ZADD', KEYS[2], now, ARGV[2])
          return now`,
  },
  // Moves the mark forward, if it stands where the caller found it (`-`: nowhere) or past that: one that stands lower
  // belongs to a Redis that has missed more than the caller knows.
  hfMark: {
    numberOfKeys: 1,
    lua: `local mark = redis.call('GET', KEYS[1])
          if not mark then
            if ARGV[2] ~= '-' then return 0 end
          elseif ARGV[2] == '-' or tonumber(mark) < tonumber(ARGV[2]) then
            return 0
          elseif tonumber(mark) >= tonumber(ARGV[1]) then
            return 1
          end
          redis.call('SET', KEYS[1], ARGV[1])
          return 1`,
  },
  // Takes touches off the list unless they have been renewed since they were read.
  hfForgetTouches: {
    numberOfKeys: 1,
    lua: `for i = 1, #ARGV, 2 do
            if redis.call('ZSCORE', KEYS[1], ARGV[i]) == ARGV[i + 1] then redis.call('ZREM', KEYS[1], ARGV[i]) end
          end
          return 1`,
  },
} as const;

declare module 'ioredis' {
  interface RedisCommander<Context> {
    hfRefill(
      ...args: [
        key: string,
        mark: string,
        owner: string,
        sinceSeen: number,
        idleLeft: number,
        absoluteLeft: number,
        json: string,
        tokenHash: string,
      ]
    ): Result<number, Context>;
    hfTouch(key: string, touched: string, idleTimeoutMs: number, tokenHash: string): Result<number, Context>;
    hfMark(key: string, seq: number, found: number | '-'): Result<number, Context>;
    hfForgetTouches(key: string, ...touches: string[]): Result<number, Context>;
  }
}

/** What a copy holds; a field that a newer version added is kept when the copy is written again. */
interface Copy {
  readonly v: 1;
  readonly owner: SessionOwner;
  readonly idleTimeoutMs: number;
  readonly data: SessionData;
}

/** What koa-session hands over with each call: the context, on which the reading is left for the pages. */
interface StoreOptions {
  readonly ctx?: { readonly state: { reading?: SessionReading; readonly tokenName?: string } };
}

/** Copies that are read together, and the mark at that moment, which is the last of the values. */
interface Reads {
  readonly keys: string[];
  readonly values: Promise<(string | null)[]>;
}

export interface SessionCacheOptions {
  readonly redis: Redis;
  readonly records: SessionTable;
  readonly log: Log;
  /** Told of each reading, and who answered it. */
  readonly count?: (source: SessionSource) => void;
}

export class SessionCache extends RedisStore {
  readonly #records: SessionTable;
  readonly #log: Log;
  readonly #count: (source: SessionSource) => void;
  readonly #stop = new AbortController();
  /** Whether this Redis is known to have carried out every ending up to the floor. */
  #trusted = false;
  /** The lowest mark at which a copy is believed. */
  #floor = 0;
  /** Which server this was, and in which history, when it was last believed. */
  #identity: string | null = null;
  #reconciling: Promise<void> | null = null;
  /** Counts connections. */
  #connection = 0;
  #databaseUp = false;
  /** Redis takes no new value: when a session was seen last is written down in PostgreSQL then. */
  #full = false;
  #touchesCheckedAt = Number.NEGATIVE_INFINITY;
  /** The next command that reads, while it can still be joined. */
  #reads: Reads | null = null;
  #overdueSince = new Date(0);
  /** Sessions that began before are not believed, wherever they are read. */
  #everybody: AllEndedMark | null = null;
  /** Redis's clock less our monotonic one. */
  #clockOffsetMs = 0;

  constructor({ redis, records, log, count = () => undefined }: SessionCacheOptions) {
    super({ client: redis });
    this.#records = records;
    this.#log = log;
    this.#count = count;
    for (const [name, definition] of Object.entries(SCRIPTS)) redis.defineCommand(name, definition);
    redis.on('ready', () => void this.#welcome());
    redis.on('close', () => {
      this.#connection += 1;
      this.#distrust();
    });
    if (redis.status === 'ready') void this.#welcome();
    void this.#watch();
  }

  /** koa-session's way in: reads a session, leaves what is known of it on the context, and answers its data. */
  async get(token: string, _maxAge: unknown, { ctx }: StoreOptions): Promise<Record<string, unknown> | null> {
    const reading = await this.#readNamed(ctx?.state.tokenName ?? nameOf(hashToken(token)));
    if (ctx) ctx.state.reading = reading;
    return reading.state === 'live' ? { ...reading.data } : null;
  }

  /**
   * koa-session's way to write: it has given a cookie to a session that has begun, whose row and copy are written by then.
   * Pages keep nothing in a session: two of them writing at once would lose what one wrote. One that tries is refused.
   */
  async set(_token: string, data: Record<string, unknown>, _maxAge: unknown, { ctx }: StoreOptions): Promise<void> {
    const reading = ctx?.state.reading;
    const written = Object.fromEntries(Object.entries(data).filter(([key]) => !key.startsWith('_')));
    if (reading?.state !== 'live' || !isDeepStrictEqual(written, reading.data)) {
      throw new Error('a page must not write into ctx.session: nothing of it would be kept');
    }
  }

  /** koa-session drops its cookie; the end itself is an act of the core (`sessions.end`), with an event, made before. */
  async destroy(): Promise<void> {}

  /** Stops the watch; the client is its owner's to close. */
  close(): void {
    this.#stop.abort();
  }

  /** Believes no session that began before the mark, and leaves it in Redis for processes that can't ask PostgreSQL. */
  async endAll(mark: AllEndedMark): Promise<void> {
    this.#hear(mark);
    await this.#tellEverybody().catch(() => undefined);
  }

  /** Which stores can be asked right now. */
  health(): { readonly redis: boolean; readonly postgres: boolean } {
    return { redis: this.#trusted, postgres: this.#databaseUp };
  }

  /**
   * What is known of a session, by its token. Redis answers if its copy can be believed, with one command; else
   * PostgreSQL does, and the copy goes back to Redis.
   * @throws StoresAwayError when neither can be asked.
   */
  async read(token: string): Promise<SessionReading> {
    return this.#readNamed(nameOf(hashToken(token)));
  }

  async #readNamed(name: string): Promise<SessionReading> {
    const copy = await this.#readCopy(name);
    if (copy === null) return this.#readRecord(Buffer.from(name, 'base64url'));
    this.#count('redis');
    return copy;
  }

  async #readRecord(hash: Buffer): Promise<SessionReading> {
    const readAt = performance.now();
    const record = await this.#records.find(hash).catch((error: unknown) => {
      this.#databaseUp = false;
      this.#count('nowhere');
      throw new StoresAwayError(error);
    });
    this.#count('postgres');
    this.#refill(hash, record, readAt);
    if (record.state === 'live' && (!this.#trusted || this.#full) && record.sinceSeenMs > TOUCH_INTERVAL_MS) {
      this.#records.touch(record.owner.id).catch(() => undefined);
    }
    return record.state === 'live' ? { state: 'live', owner: record.owner, data: record.data } : record;
  }

  /** Puts the copy of a session that was just created. Redis being away loses nothing: the next read puts it. */
  async put(tokenHash: Buffer, record: LiveRecord): Promise<void> {
    if (!this.#trusted) return;
    await this.#writeCopy(tokenHash, record).catch((error: unknown) => this.#refused(error));
  }

  /**
   * Ends copies: each is replaced by a tombstone that outlives any request.
   * Where Redis can't take them, it is not believed until it has: true if it took them all.
   */
  async bury(endings: readonly Ending[], keepMs: number = TOMBSTONE_MS): Promise<boolean> {
    try {
      for (let start = 0; start < endings.length; start += BATCH) {
        await Promise.all(endings.slice(start, start + BATCH).map((ending) => this.#buryOne(ending, keepMs)));
      }
      return true;
    } catch (error) {
      if (this.client.status === 'ready') this.#log.warn({ err: error }, 'Redis refuses to end sessions');
      this.#identity = null;
      this.#distrust();
      return false;
    }
  }

  /**
   * The worker's part: carries out what it has just sealed, and moves the mark from the ending before (`previousSeq`). A
   * Redis that has missed that one too keeps its mark until everything between was repeated. Throws if Redis can't take it.
   */
  async carryOut(
    endings: readonly Ending[],
    { previousSeq, endingSeq }: { previousSeq: number; endingSeq: number },
  ): Promise<void> {
    const connection = this.#connection;
    if (!(await this.bury(endings))) throw new Error('Redis could not take the endings');
    this.#sameConnection(connection);
    if ((await this.client.hfMark(keys.endings, endingSeq, previousSeq)) === 0) await this.#reconcile();
  }

  /** The copies that this Redis holds of a person's live sessions, for when PostgreSQL can't list them. */
  async copiesOf(userId: string): Promise<{ sessionId: string; tokenHash: Buffer }[]> {
    const hashes = await this.client.zrange(keys.owner(shortId(userId)), 0, '-1');
    if (hashes.length === 0) return [];
    const values = await this.client.mget(hashes.map((hash) => keys.session(hash)));
    return hashes.flatMap((hash, index) => {
      const copy = parseCopy(values[index]);
      return copy ? [{ sessionId: copy.owner.id, tokenHash: Buffer.from(hash, 'base64url') }] : [];
    });
  }

  /** Writes down in PostgreSQL when sessions were last seen, in batches, until none is left. */
  async flushTouches(): Promise<void> {
    for (let count = TOUCH_BATCH; count === TOUCH_BATCH; ) {
      const touches = await this.#readTouches(TOUCH_BATCH);
      if (touches.length > 0) await this.#records.writeLastSeen(touches);
      await this.#forgetTouches(touches);
      count = touches.length;
    }
  }

  /** The same where the worker, whose part it is, has not done it for minutes: PostgreSQL would take who is there for idle. */
  async #flushLateTouches(): Promise<void> {
    if (!this.#trusted || performance.now() - this.#touchesCheckedAt < LATE_TOUCHES_CHECK_MS) return;
    this.#touchesCheckedAt = performance.now();
    const [oldest] = await this.#readTouches(1);
    if (oldest && oldest.ageMs > LATE_TOUCH_MS) await this.flushTouches();
  }

  /** Sessions seen since the last time, oldest first, with how long ago that was. */
  async #readTouches(limit: number): Promise<{ tokenHash: Buffer; ageMs: number; score: string; member: string }[]> {
    const [flat, time] = await Promise.all([
      this.client.zrange(keys.touched, 0, String(limit - 1), 'WITHSCORES'),
      this.client.time(),
    ]);
    const now = milliseconds(time);
    const pairs = (flat as unknown[]).flat().map(String);
    return Array.from({ length: pairs.length / 2 }, (_, index) => {
      const member = pairs[2 * index] ?? '';
      const score = pairs[2 * index + 1] ?? '0';
      return { member, score, tokenHash: Buffer.from(member, 'base64url'), ageMs: Math.max(0, now - Number(score)) };
    });
  }

  /** Takes touches that were written down off the list, unless they have been renewed. */
  async #forgetTouches(touches: readonly { member: string; score: string }[]): Promise<void> {
    if (touches.length === 0) return;
    await this.client.hfForgetTouches(keys.touched, ...touches.flatMap(({ member, score }) => [member, score]));
  }

  async #readCopy(name: string): Promise<SessionReading | null> {
    if (!this.#trusted) return null;
    let value: string | null | undefined;
    let mark: string | null | undefined;
    try {
      const reads = this.#reads ?? this.#openReads();
      const place = reads.keys.push(keys.session(name)) - 1;
      const values = await reads.values;
      value = values[place];
      mark = values.at(-1);
    } catch {
      this.#hangUp();
      return null;
    }
    if (value?.startsWith('E')) return tombstone(value);
    if (mark === null || mark === undefined || Number(mark) < this.#floor) {
      void this.#reconcile();
      return null;
    }
    this.#floor = Number(mark);
    const copy = parseCopy(value);
    if (!copy || !value) return null;
    if (this.#everybody && !isAfter(copy.owner, this.#everybody)) {
      // Written by a version that did not note when the session began: PostgreSQL knows.
      return copy.owner.createdAt === 0 ? null : WITH_EVERYBODY;
    }
    if (this.#now() - Number(value.slice(1, 14)) >= TOUCH_INTERVAL_MS) this.#touch(name, copy);
    return { state: 'live', owner: copy.owner, data: copy.data };
  }

  /** An older mark than the one that stands changes nothing. */
  #hear(mark: AllEndedMark | null): void {
    if (mark !== null && mark.at >= (this.#everybody?.at ?? 0)) this.#everybody = mark;
  }

  async #tellEverybody(): Promise<void> {
    if (this.#everybody) await this.client.set(keys.everybody, JSON.stringify(this.#everybody));
  }

  /** For when PostgreSQL can't be asked: whoever ended everybody's sessions has left the mark in Redis too. */
  async #hearFromRedis(): Promise<void> {
    this.#hear(parseMark(await this.client.get(keys.everybody)));
  }

  /** What is asked for while the requests at hand are looked at, one after another, goes to Redis as one command. */
  #openReads(): Reads {
    const names: string[] = [];
    const values = new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
      this.#reads = null;
      return this.client.mget(...names, keys.endings);
    });
    this.#reads = { keys: names, values };
    return this.#reads;
  }

  #touch(name: string, { owner, idleTimeoutMs }: Copy): void {
    this.client.hfTouch(keys.session(name), keys.touched, idleTimeoutMs, name).then(
      (now) => {
        this.#full = false;
        this.#setClock(now);
      },
      (error: unknown) => {
        this.#refused(error);
        if (this.#full) this.#records.touch(owner.id).catch(() => undefined);
      },
    );
  }

  #refill(hash: Buffer, record: SessionRecord, readAt: number): void {
    if (!this.#trusted || performance.now() - readAt > REFILL_WITHIN_MS) return;
    const write =
      record.state === 'live'
        ? this.#writeCopy(hash, record)
        : this.client.set(keys.session(nameOf(hash)), `E${reasonOf(record)}`, 'PX', UNKNOWN_MS, 'NX');
    write.then(
      () => {
        this.#full = false;
      },
      (error: unknown) => this.#refused(error),
    );
  }

  async #writeCopy(hash: Buffer, record: LiveRecord): Promise<void> {
    const copy: Copy = { v: 1, owner: record.owner, idleTimeoutMs: record.idleTimeoutMs, data: record.data };
    await this.client.hfRefill(
      keys.session(nameOf(hash)),
      keys.endings,
      keys.owner(shortId(record.owner.userId)),
      Math.round(record.sinceSeenMs),
      Math.ceil(record.idleTimeoutMs - record.sinceSeenMs),
      Math.ceil(record.absoluteRemainingMs),
      this.serialize(brief(copy)),
      nameOf(hash),
    );
  }

  async #buryOne(ending: Ending, keepMs: number = TOMBSTONE_MS): Promise<void> {
    const key = keys.session(nameOf(ending.tokenHash));
    try {
      await this.client.set(key, `E${ending.reason}`, 'PX', keepMs);
    } catch (error) {
      // A full Redis takes no new value, but still lets go of an old one.
      if (!isFull(error)) throw error;
      await this.client.del(key);
    }
  }

  /** A new connection: the same server in the same history is believed as before, any other has to be told first. */
  async #welcome(): Promise<void> {
    try {
      const connection = this.#connection;
      const [identity, time] = await Promise.all([this.#readIdentity(), this.client.time()]);
      this.#sameConnection(connection);
      void this.#warnOfEviction();
      this.#setClock(milliseconds(time));
      if (identity !== null && identity === this.#identity) this.#trusted = true;
      else await this.#reconcile();
    } catch (error) {
      this.#log.debug({ err: error }, 'Redis went away again');
    }
  }

  /** Redis may be told to make room by throwing keys away: sessions would go on from PostgreSQL, but jobs would be lost. */
  async #warnOfEviction(): Promise<void> {
    const info = await this.client.info('memory').catch(() => '');
    const policy = /^maxmemory_policy:(\S+)/m.exec(info)?.[1];
    if (policy !== undefined && policy !== 'noeviction') {
      this.#log.warn({ policy }, 'Redis may evict keys, which loses jobs: set maxmemory-policy noeviction');
    }
  }

  async #readIdentity(): Promise<string | null> {
    const info = await this.client.info('server', 'replication').catch(() => '');
    const run = /^run_id:(\w+)/m.exec(info)?.[1];
    const history = /^master_replid:(\w+)/m.exec(info)?.[1];
    return run && history ? `${run}/${history}` : null;
  }

  /** Repeats the endings that this Redis may have missed and moves its mark to what PostgreSQL knows. */
  #reconcile(): Promise<void> {
    this.#reconciling ??= this.#repeatEndings()
      .catch((error: unknown) => {
        this.#distrust();
        this.#log.debug({ err: error }, 'Redis could not be reconciled yet');
      })
      .finally(() => {
        this.#reconciling = null;
      });
    return this.#reconciling;
  }

  async #repeatEndings(): Promise<void> {
    const connection = this.#connection;
    const { ending: newest, everybody } = await this.#records.newest();
    this.#floor = newest;
    this.#hear(everybody);
    await this.#tellEverybody();
    const text = await this.client.get(keys.endings);
    const mark = text === null ? null : Number(text);
    const endings = await this.#records.endingsAfter(mark);
    for (let start = 0; start < endings.length; start += BATCH) {
      await Promise.all(endings.slice(start, start + BATCH).map((ending) => this.#buryOne(ending)));
    }
    this.#sameConnection(connection);
    if ((await this.client.hfMark(keys.endings, newest, mark ?? '-')) === 0)
      throw new Error('the mark moved meanwhile');
    if (mark === null || mark < newest) {
      this.#log.info({ mark, newest, endings: endings.length }, 'Redis had missed endings and was told of them');
    }
    const identity = await this.#readIdentity();
    this.#sameConnection(connection);
    this.#identity = identity;
    this.#trusted = true;
  }

  /** What was read on one connection says nothing of the server behind the next. */
  #sameConnection(connection: number): void {
    if (connection !== this.#connection) throw new Error('the connection to Redis changed meanwhile');
  }

  /** Learns every second what PostgreSQL knows of endings, whatever becomes of the worker and of other processes. */
  async #watch(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      try {
        const [newest, overdue] = await Promise.all([
          this.#records.newest(),
          this.#records.overdueEndings(this.#overdueSince),
        ]);
        this.#databaseUp = true;
        this.#hear(newest.everybody);
        this.#floor = Math.max(this.#floor, newest.ending);
        if (overdue.endings.length > 0 && (await this.bury(overdue.endings))) this.#overdueSince = overdue.until;
        if (!this.#trusted && this.client.status === 'ready') await this.#reconcile();
        await this.#flushLateTouches().catch((error: unknown) =>
          this.#log.debug({ err: error }, 'when sessions were seen last could not be written down'),
        );
      } catch (error) {
        if (this.#databaseUp) this.#log.warn({ err: error }, 'PostgreSQL is away');
        this.#databaseUp = false;
        await this.#hearFromRedis().catch(() => undefined);
      }
      await delay(WATCH_INTERVAL_MS, undefined, { signal: this.#stop.signal, ref: false }).catch(() => undefined);
    }
  }

  /** An answer that did not come in time: the connection is dropped, so that the next request does not wait as well. */
  #hangUp(): void {
    if (!this.#trusted) return;
    this.#distrust();
    this.client.disconnect(true);
  }

  /** A write that Redis refused (read-only, full, no persistence): it may have missed endings too. Or it did not answer. */
  #refused(error: unknown): void {
    this.#full = isFull(error);
    if (this.#full) return;
    if (error instanceof ReplyError) {
      this.#log.debug({ err: error }, 'Redis refused a write');
      this.#identity = null;
      this.#distrust();
    } else this.#hangUp();
  }

  #distrust(): void {
    this.#trusted = false;
  }

  #now(): number {
    return performance.now() + this.#clockOffsetMs;
  }

  #setClock(redisNow: number): void {
    this.#clockOffsetMs = redisNow - performance.now();
  }
}

/** Its row and its copy may not have been reached yet: they are ended one batch after another. */
const WITH_EVERYBODY = { state: 'ended', reason: 'revoked_by_operator' } as const;

function isAfter({ id, createdAt }: SessionOwner, { at, kept }: AllEndedMark): boolean {
  return createdAt > at || id === kept;
}

function parseMark(text: string | null): AllEndedMark | null {
  if (text === null) return null;
  const { at, kept } = JSON.parse(text) as Partial<AllEndedMark>;
  return typeof at === 'number' ? { at, kept: kept ?? null } : null;
}

/** What a session is called in the names of its keys: the hash of its token, as text. */
export function nameOf(hash: Buffer): string {
  return hash.toString('base64url');
}

/** A UUID in 22 characters instead of 36. */
function shortId(uuid: string): string {
  return Buffer.from(uuid.replaceAll('-', ''), 'hex').toString('base64url');
}

function reasonOf(record: Exclude<SessionRecord, LiveRecord>): string {
  return record.state === 'ended' ? record.reason : 'unknown';
}

function tombstone(value: string): SessionReading {
  const reason = value.slice(1);
  return reason === 'unknown' ? { state: 'unknown' } : { state: 'ended', reason: reason as EndReason };
}

/** A copy as it is kept: what `parseCopy` completes by itself takes no room in Redis. */
function brief({ owner: { role, remember, proved, ...owner }, data, ...copy }: Copy): object {
  const unusual = {
    ...(role === 'member' ? {} : { role }),
    ...(remember ? { remember } : {}),
    ...(proved === 'password' ? {} : { proved }),
  };
  return { ...copy, owner: { ...owner, ...unusual }, ...(Object.keys(data).length > 0 ? { data } : {}) };
}

/**
 * A copy as this version reads it: what a newer one added stays, what an older one did not write has a default. One of a
 * foreign shape is no copy, and PostgreSQL is asked instead.
 */
function parseCopy(value: string | null | undefined): Copy | null {
  if (!value?.startsWith('L')) return null;
  try {
    const copy = JSON.parse(value.slice(HEADER)) as Partial<Copy>;
    const { owner } = copy;
    if (copy.v !== 1 || !owner || typeof copy.idleTimeoutMs !== 'number') return null;
    if (typeof owner.id !== 'string' || typeof owner.userId !== 'string' || typeof owner.email !== 'string')
      return null;
    // Completed in place: it was made from the text a moment ago, for nobody else.
    const whole: { -readonly [Key in keyof SessionOwner]: SessionOwner[Key] } = owner;
    whole.role = owner.role === 'operator' ? 'operator' : 'member';
    whole.proved = readAuthenticationMethod(owner.proved);
    whole.remember ??= false;
    whole.createdAt ??= 0;
    whole.memberSince ??= 0;
    return { ...(copy as Copy), owner: whole, data: copy.data ?? {} };
  } catch {
    return null;
  }
}
