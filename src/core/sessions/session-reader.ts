// How a session is read: Redis answers if its copy can be trusted; else PostgreSQL does, and the copy goes back to Redis.

import { type Redis, ReplyError } from 'ioredis';
import type { SessionSource } from '../platform/metrics.ts';
import type { Epoch } from '../platform/postgres/epoch.ts';
import type { Patience } from '../platform/postgres/patience.ts';
import { keys, reconnect } from '../platform/redis.ts';
import {
  type EntryParser,
  isCopy,
  type LiveSession,
  ownerOf,
  parseTombstone,
  type SessionReading,
} from './cache-entry.ts';
import { refill, TOUCH_INTERVAL_MS, type WriteCopy } from './cache-scripts.ts';
import type { AllSessionsEndedNotice, CacheTrust, CacheWrites } from './cache-trust.ts';
import type { CopySeal } from './copy-seal.ts';
import type { DatabaseContact } from './database-contact.ts';
import type { Epochs } from './failover/epochs.ts';
import type { RewindNotice } from './failover/rewind-notice.ts';
import type { LastSeen } from './last-seen.ts';
import type { PublishedVersion } from './registry-version.ts';
import { seesConsole } from './role.ts';
import type { SessionRecord } from './session-record.ts';
import type { SessionTable } from './session-table.ts';

/** A row that was read longer ago may have ended since, and its tombstone gone. */
const REFILL_WITHIN_MS = 1_000;

/**
 * Thrown when neither Redis nor PostgreSQL answers, or Redis alone does and is believed no longer:
 * nothing is known of the session, and nothing must change.
 */
export class StoresAwayError extends Error {
  constructor(cause: unknown) {
    super('no store can say what became of the session', { cause });
    this.name = 'StoresAwayError';
  }
}

export interface SessionReaderOptions {
  readonly redis: Redis;
  readonly table: SessionTable;
  /** How long a copy is believed while PostgreSQL can't be asked, by whose session it is. */
  readonly alone: Readonly<Record<'member' | 'operator', number>>;
  /** Called for each reading with the store that answered it. */
  readonly count: (source: SessionSource) => void;
  readonly trust: CacheTrust;
  readonly notice: AllSessionsEndedNotice;
  readonly epochs: Epochs;
  readonly rewinds: Pick<RewindNotice, 'raise'>;
  readonly registry: Pick<PublishedVersion, 'read'>;
  readonly lastSeen: LastSeen;
  readonly contact: DatabaseContact;
  readonly writes: CacheWrites;
  readonly parse: EntryParser;
  readonly seal: CopySeal;
}

export function createSessionReader(options: SessionReaderOptions) {
  const { redis, table, alone, count, trust, notice, epochs, rewinds, lastSeen, contact, writes, parse, seal } =
    options;
  const readTogether = shareReads(options);

  /** Null where PostgreSQL must be asked. */
  function judge(
    name: string,
    value: string | null | undefined,
    accepted: boolean,
    asking: Asking,
  ): SessionReading | Promise<SessionReading> | null {
    const tombstone = parseTombstone(value);
    if (tombstone) return tombstone;
    if (!accepted) return null;
    const entry = parse(name, value);
    if (!entry)
      return isCopy(value) ? readRow(name, { ...asking, stands: ownerOf(value) ? 'unsealed' : 'foreign' }) : null;
    if (notice.ended(entry.owner)) return ENDED_WITH_ALL;
    if (contact.silentMs() > alone[seesConsole(entry.owner.role) ? 'operator' : 'member']) return askDatabase();
    // Of another epoch, or of none: PostgreSQL may have lost it.
    if (!epochs.holdsMark(entry.mark) && contact.isUp()) return readRow(name, asking, entry);
    if (lastSeen.isDue(entry)) void touch(name, entry.idleTimeoutMs, entry.owner.id);
    return entry;
  }

  /** A Redis that PostgreSQL has said nothing of for that long may be one that was left behind. */
  function askDatabase(): null {
    if (contact.isUp()) return null;
    count('nowhere');
    throw new StoresAwayError(new Error('Redis alone is believed no longer'));
  }

  /** An ending counts whatever else this Redis has missed: PostgreSQL may not know of it yet. */
  async function readTombstone(name: string): Promise<SessionReading | null> {
    if (redis.status !== 'ready') return null;
    const value = await redis.get(keys.session(name)).catch((error: unknown) => {
      if (!(error instanceof ReplyError)) reconnect(redis);
      return null;
    });
    const tombstone = parseTombstone(value);
    return tombstone?.state === 'ended' ? tombstone : null;
  }

  async function find(name: string): Promise<{ record: SessionRecord; epoch: Epoch | null }> {
    const { record, timeline } = await table.find(Buffer.from(name, 'base64url'));
    const epoch = epochs.of(timeline);
    // PostgreSQL may have lost the order.
    if (record.state === 'live' && notice.ended(record.owner)) return { record: ENDED_WITH_ALL, epoch };
    return { record, epoch };
  }

  /** Of a session that Redis has a copy of: while PostgreSQL was away, Redis alone heard of its use. */
  async function findUsed(name: string): ReturnType<typeof find> {
    const found = await find(name);
    if (found.record.state !== 'ended' || found.record.reason !== 'expired') return found;
    await lastSeen.flush();
    return find(name);
  }

  /** `copy` is believed where PostgreSQL can't be asked after all, as during a promotion. */
  async function readRow(
    name: string,
    { patience, settledIn, stands }: Asking,
    copy: LiveSession | null = null,
  ): Promise<SessionReading> {
    const readAt = performance.now();
    let found: Awaited<ReturnType<typeof find>>;
    try {
      found = await patience(() => (copy || stands === 'unsealed' ? findUsed(name) : find(name)));
    } catch (error) {
      contact.lost();
      if (copy) return copy;
      count('nowhere');
      throw new StoresAwayError(error);
    }
    const { record, epoch } = found;
    // Before this Redis was told of what PostgreSQL has lost it was asked in vain: the row may be of an ended session.
    if (epoch !== null && trust.isTrusted() && epoch !== settledIn) {
      if (trust.settledIn() !== epoch) await trust.reconcile();
      const tombstone = await readTombstone(name);
      if (tombstone !== null) return tombstone;
    }
    count('postgres');
    const fresh = performance.now() - readAt <= REFILL_WITHIN_MS;
    if (trust.isTrusted() && fresh) void putBack(name, record, { epoch, seal, instead: stands === 'unsealed' });
    if (record.state !== 'live') return record;
    const redisCanTouch = trust.isTrusted() && !writes.isFull() && stands !== 'foreign';
    if (!redisCanTouch && record.sinceSeenMs > TOUCH_INTERVAL_MS) touchRow(record.owner.id);
    return { state: 'live', owner: record.owner, data: record.data };
  }

  async function putBack(name: string, record: SessionRecord, how: WriteCopy): Promise<void> {
    let isGhost = false;
    const refilled = refill(redis, name, record, how).then((replaced) => {
      isGhost = replaced;
    });
    await writes.follow(refilled);
    if (isGhost) await rewinds.raise({ copies: 1 });
  }

  async function touch(name: string, idleTimeoutMs: number, sessionId: string): Promise<void> {
    await writes.follow(lastSeen.touch(name, idleTimeoutMs));
    if (writes.isFull()) touchRow(sessionId);
  }

  function touchRow(sessionId: string): void {
    table.touch(sessionId).catch(() => undefined);
  }

  /**
   * What is known of a session, by its name; where PostgreSQL must be asked, as patiently as told.
   * @throws StoresAwayError when neither store answers.
   */
  return async (name: string, patience: Patience = asLongAsItTakes): Promise<SessionReading> => {
    let reading: SessionReading | Promise<SessionReading> | null;
    const asking = { patience, settledIn: trust.settledIn() };
    if (trust.isTrusted()) {
      const reads = readTogether();
      const place = reads.keys.push(keys.session(name)) - 1;
      const copies = await reads.copies;
      reading = copies && judge(name, copies.values[place], copies.accepted, asking);
    } else reading = await readTombstone(name);
    if (reading === null) return readRow(name, asking);
    if (reading instanceof Promise) return reading;
    count('redis');
    return reading;
  };
}

const asLongAsItTakes: Patience = (ask) => ask();

interface Asking {
  readonly patience: Patience;
  /** The epoch in which Redis had been reconciled when it was asked. */
  readonly settledIn: Epoch | null;
  /** A copy that does not count: of a version that this one can't read, and nothing here moves its deadline; or without our seal. */
  readonly stands?: 'foreign' | 'unsealed';
}

/** The rows and copies of sessions that ended with all others are ended one batch after another. */
const ENDED_WITH_ALL = { state: 'ended', reason: 'revoked_by_operator' } as const;

/** Copies that are read together. */
interface Reads {
  readonly keys: string[];
  /** Null where Redis does not answer in time. */
  readonly copies: Promise<Copies | null>;
}

interface Copies {
  readonly values: readonly (string | undefined)[];
  /** Whether they were read beside a high-water mark that says that they can be trusted. */
  readonly accepted: boolean;
}

/**
 * What the requests of one turn of the event loop ask for goes to Redis as one command, with the version of the registry of
 * applications, and the high-water mark with its epoch at that moment.
 */
function shareReads({ redis, trust, registry }: Pick<SessionReaderOptions, 'redis' | 'trust' | 'registry'>) {
  let open: Reads | null = null;

  async function read(names: readonly string[]): Promise<Copies | null> {
    await new Promise<void>((resolve) => setImmediate(resolve));
    open = null;
    try {
      const bytes = await redis.mgetBuffer(...names, keys.applications, keys.epoch, keys.endings);
      const values = bytes.map((value) => value?.toString('latin1'));
      registry.read(values.at(-3));
      return { values, accepted: trust.accepts(values.at(-1), values.at(-2)) };
    } catch (error) {
      // A refusal is an answer: of a part of a Cluster whose slot moves just now, say.
      if (error instanceof ReplyError) trust.distrust();
      else trust.hangUp();
      return null;
    }
  }

  return (): Reads => {
    if (open) return open;
    const names: string[] = [];
    open = { keys: names, copies: read(names) };
    return open;
  };
}
