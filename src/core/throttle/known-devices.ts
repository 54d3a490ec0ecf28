// Browsers that have logged in to an account before. The cookie holds a random token and its signature, which covers
// the account too: for another account it counts for nothing. Only the token's hash is kept; a row can be revoked.
import Keygrip from 'keygrip';
import QuickLRU from 'quick-lru';
import { v7 as uuidv7 } from 'uuid';
import { Prisma } from '../../generated/prisma/client.ts';
import type { Actor, Origin } from '../audit/events.ts';
import { recordEvent } from '../audit/outbox.ts';
import { hashToken, newToken } from '../credentials/random-token.ts';
import { ago, type Database, type Transaction } from '../platform/database.ts';
import { keptUserAgent } from '../platform/kept-user-agent.ts';

const ENTRY = /^([A-Za-z0-9_-]{43})\.([A-Za-z0-9_-]{43})$/;
export const ENTRY_SEPARATOR = '~';
/** Accounts that share a browser: the oldest is forgotten. */
const MAX_ENTRIES = 4;
/** A browser may send several cookies, joined by its caller; only one of them need be ours. */
const MAX_READ = 4 * MAX_ENTRIES;
const KEPT_PROOFS = 2_000;
/** Of one account: each has guesses of its own (windows.ts), so the one unused for longest is forgotten. */
const MAX_KNOWN = 20;
/** Within so much, a browser became known by the log-in itself. */
const ONE_LOGIN_MS = 60_000;

export interface KnownDevicesOptions {
  readonly database: Database;
  readonly signingKeys: readonly string[];
  readonly retentionMs: number;
}

export interface Success {
  readonly userId: string;
  readonly deviceId: string | null;
  /** The keyed hash of the account's address. */
  readonly account: string;
  /** The value of the cookie that known browsers keep. */
  readonly cookie: string;
  readonly origin: Origin;
}

export interface Remembered {
  readonly id: string;
  readonly cookie: string;
}

/** One of an account's, as its owner is shown it. */
export interface KnownBrowser {
  readonly id: string;
  readonly userAgent: string | null;
  readonly createdAt: Date;
  readonly lastUsedAt: Date;
}

export type KnownDevices = ReturnType<typeof createKnownDevices>;

export function createKnownDevices({ database: { prisma, transact }, signingKeys, retentionMs }: KnownDevicesOptions) {
  const keygrip = new Keygrip([...signingKeys], 'sha256', 'base64');
  const signed = (token: string, account: string) => `device ${token} ${account}`;

  /** What is remembered is that a signature was good. Whether the browser is still known, PostgreSQL says. */
  const proved = new QuickLRU<string, true>({ maxSize: KEPT_PROOFS });

  function isSigned(token: string, account: string, signature: string): boolean {
    const proof = `${signature} ${signed(token, account)}`;
    if (proved.has(proof)) return true;
    if (!keygrip.verify(signed(token, account), signature)) return false;
    proved.set(proof, true);
    return true;
  }

  const stillKnown = Prisma.sql`revoked_at IS NULL AND last_used_at > ${ago(retentionMs)}`;

  /** Asks no store. */
  function tokenFor(account: string, cookie: string): string | null {
    for (const entry of cookie.split(ENTRY_SEPARATOR).slice(0, MAX_READ)) {
      const [, token, signature] = ENTRY.exec(entry) ?? [];
      if (token && signature && isSigned(token, account, signature)) return token;
    }
    return null;
  }

  /**
   * Parts of a statement that remembers the browser of a success for each row of `from`: its id (`browser`), and the cookie
   * that the browser is to keep from now on.
   */
  function remembering({ userId, deviceId, account, cookie, origin }: Success, from: Prisma.Sql) {
    const [id, token] = [uuidv7(), newToken()];
    const userAgent = keptUserAgent(origin);
    return {
      tables: Prisma.sql`
        used AS (
          UPDATE known_device SET last_used_at = clock_timestamp(), user_agent = coalesce(${userAgent}::text, user_agent) FROM ${from}
           WHERE known_device.id = ${deviceId}::uuid AND user_id = ${userId}::uuid AND revoked_at IS NULL RETURNING known_device.id),
        remembered AS (
          INSERT INTO known_device (id, token_hash, user_id, user_agent)
          SELECT ${id}::uuid, ${hashToken(token)}::bytea, ${userId}::uuid, ${userAgent}::text FROM ${from} WHERE NOT EXISTS (SELECT FROM used)),
        too_many AS (
          UPDATE known_device SET revoked_at = clock_timestamp() FROM ${from}
           WHERE NOT EXISTS (SELECT FROM used) AND known_device.id IN (
             SELECT id FROM known_device WHERE user_id = ${userId}::uuid AND revoked_at IS NULL
              ORDER BY last_used_at DESC, id DESC OFFSET ${MAX_KNOWN - 1}))`,
      known: Prisma.sql`EXISTS (SELECT FROM used)`,
      browser: Prisma.sql`coalesce((SELECT id FROM used), ${id}::uuid)`,
      cookie(known: boolean): string {
        const proved = tokenFor(account, cookie);
        const kept = known && proved !== null ? proved : token;
        const others = cookie
          .split(ENTRY_SEPARATOR)
          .filter((entry) => ENTRY.test(entry) && (proved === null || !entry.startsWith(`${proved}.`)));
        const entries = [`${kept}.${keygrip.sign(signed(kept, account))}`, ...others];
        return entries.slice(0, MAX_ENTRIES).join(ENTRY_SEPARATOR);
      },
    };
  }

  async function forgetAllWithin(transaction: Transaction, userId: string, by: Actor): Promise<number> {
    const { actor, session = null, origin, reason } = by;
    const count = await transaction.$executeRaw`
      UPDATE known_device SET revoked_at = clock_timestamp() WHERE user_id = ${userId}::uuid AND ${stillKnown}`;
    const event = { type: 'known_devices_forgotten', outcome: 'success', actor, subject: userId } as const;
    const detail = { count, ...(reason ? { reason } : {}) };
    if (count > 0) await recordEvent(transaction, { ...event, session, origin, detail });
    return count;
  }

  return {
    /** The token of the account's that the cookie proves, or null. Asks no store: it may be revoked. */
    proofOf: tokenFor,

    /** The id of the account's known browser that the cookie proves, or null. `account` is the address's keyed hash. */
    async find(account: string, cookie: string, token = tokenFor(account, cookie)): Promise<string | null> {
      if (token === null) return null;
      const [device] = await prisma.$queryRaw<{ id: string }[]>`
        SELECT id FROM known_device WHERE token_hash = ${hashToken(token)}::bytea AND ${stillKnown}`;
      return device?.id ?? null;
    },

    /**
     * Says of a moment whether the account knew this browser before it. That it was forgotten since does not matter: whoever
     * logged in then could have done that.
     */
    async wasKnown(userId: string, account: string, cookie: string): Promise<(moment: Date) => boolean> {
      const token = tokenFor(account, cookie);
      if (token === null) return () => false;
      const [device] = await prisma.$queryRaw<{ since: Date; until: Date | null }[]>`
        SELECT created_at AS since, revoked_at AS until FROM known_device
         WHERE token_hash = ${hashToken(token)} AND user_id = ${userId}::uuid
           AND last_used_at > clock_timestamp() - ${retentionMs} * interval '1 millisecond'`;
      if (!device) return () => false;
      const { since, until } = device;
      const isBefore = (moment: Date) => since.getTime() < moment.getTime() - ONE_LOGIN_MS;
      return (moment) => isBefore(moment) && (until === null || until >= moment);
    },

    remembering,

    /** Returns the browser's id, and the cookie that it is to keep from now on. */
    async rememberWithin(transaction: Transaction, success: Success): Promise<Remembered> {
      const { tables, known, browser, cookie } = remembering(success, Prisma.sql`(SELECT) AS once`);
      const [row] = await transaction.$queryRaw<{ known: boolean; id: string }[]>`
        WITH ${tables} SELECT ${known} AS known, ${browser} AS id`;
      if (!row) throw new Error('a statement without a table gives one row');
      return { id: row.id, cookie: cookie(row.known) };
    },

    async count(userId: string): Promise<number> {
      const [row] = await prisma.$queryRaw<{ known: number }[]>`
        SELECT count(*)::int AS known FROM known_device WHERE user_id = ${userId}::uuid AND ${stillKnown}`;
      return row?.known ?? 0;
    },

    /** The one that was used last first. */
    list(userId: string): Promise<KnownBrowser[]> {
      return prisma.$queryRaw<KnownBrowser[]>`
        SELECT id, user_agent AS "userAgent", created_at AS "createdAt", last_used_at AS "lastUsedAt" FROM known_device
         WHERE user_id = ${userId}::uuid AND ${stillKnown} ORDER BY last_used_at DESC, id DESC LIMIT ${MAX_KNOWN}`;
    },

    /** Makes one browser of an account a stranger again; false if the account does not know it. */
    forget(userId: string, id: string, { actor, session = null, origin }: Actor): Promise<boolean> {
      return transact(async (transaction) => {
        const count = await transaction.$executeRaw`
          UPDATE known_device SET revoked_at = clock_timestamp()
           WHERE id = ${id}::uuid AND user_id = ${userId}::uuid AND ${stillKnown}`;
        const event = { type: 'known_devices_forgotten', outcome: 'success', actor, subject: userId } as const;
        if (count > 0) await recordEvent(transaction, { ...event, session, origin, detail: { count } });
        return count > 0;
      });
    },

    /** Makes every browser of an account a stranger again; returns how many there were. */
    forgetAllWithin,

    async forgetAll(userId: string, by: Actor): Promise<number> {
      const forgotten = await transact((transaction) => forgetAllWithin(transaction, userId, by));
      return forgotten;
    },
  };
}
