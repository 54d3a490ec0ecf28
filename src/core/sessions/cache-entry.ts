// A session's entry in Redis: a copy of its row, or the tombstone of one that has ended. Entries
// that an older version wrote are completed; one of a foreign shape is no entry, and PostgreSQL is
// asked.
import { keys } from '../platform/redis.ts';
import { readAuthenticationMethod } from './authentication-method.ts';
import type { EndReason, LiveRecord, SessionData, SessionOwner } from './session-record.ts';

export interface LiveSession {
  readonly state: 'live';
  readonly owner: SessionOwner;
  readonly data: SessionData;
}

export type SessionReading =
  | LiveSession
  | { readonly state: 'ended'; readonly reason: EndReason }
  | { readonly state: 'unknown' };

export interface CacheEntry extends LiveSession {
  readonly idleTimeoutMs: number;
}

/*
 * A live entry is `L`, the moment it was last seen and its absolute deadline (13 digits each:
 * milliseconds of Redis's clock), then JSON. A tombstone is `E` and the reason. Only scripts take
 * and compare these times.
 */
export const HEADER_LENGTH = 1 + 13 + 13;

/** The JSON of an entry. The owner's `authenticationMethod` is stored as `proved`. */
interface StoredEntry {
  readonly v: 1;
  readonly owner: Omit<SessionOwner, 'authenticationMethod'> & { readonly proved: string };
  readonly idleTimeoutMs: number;
  readonly data: SessionData;
}

/** What a session is called in the names of its keys: the hash of its token, as text. */
export function nameOf(tokenHash: Buffer): string {
  return tokenHash.toString('base64url');
}

/** The key of the list of an account's copies; its UUID in 22 characters instead of 36. */
export function ownerKey(userId: string): string {
  return keys.owner(Buffer.from(userId.replaceAll('-', ''), 'hex').toString('base64url'));
}

/** The JSON of a copy, without what `parseEntry` completes: that would take room in Redis. */
export function formatEntry({ owner, idleTimeoutMs, data }: LiveRecord): string {
  const { role, remember, authenticationMethod, loginId, ...rest } = owner;
  const unusual = {
    ...(loginId === owner.id ? {} : { loginId }),
    ...(role === 'member' ? {} : { role }),
    ...(remember ? { remember } : {}),
    ...(authenticationMethod === 'password' ? {} : { proved: authenticationMethod }),
  };
  const kept = Object.keys(data).length > 0 ? { data } : {};
  return JSON.stringify({ v: 1, idleTimeoutMs, owner: { ...rest, ...unusual }, ...kept });
}

/** A copy, or null where the value is none that this version can read. */
export function parseEntry(value: string | null | undefined): CacheEntry | null {
  if (!value?.startsWith('L')) return null;
  try {
    const { v, owner, idleTimeoutMs, data } = JSON.parse(value.slice(HEADER_LENGTH)) as Partial<StoredEntry>;
    if (v !== 1 || !owner || typeof idleTimeoutMs !== 'number') return null;
    const { id, userId, email, application } = owner;
    if (typeof id !== 'string' || typeof userId !== 'string' || typeof email !== 'string') return null;
    if (application && (typeof application.id !== 'string' || typeof application.provedAt !== 'number')) return null;
    const completed: SessionOwner = {
      id,
      userId,
      email,
      role: owner.role === 'operator' ? 'operator' : 'member',
      remember: owner.remember ?? false,
      authenticationMethod: readAuthenticationMethod(owner.proved),
      createdAt: owner.createdAt ?? 0,
      memberSince: owner.memberSince ?? 0,
      loginId: owner.loginId ?? id,
      ...(application && { application: { id: application.id, provedAt: application.provedAt } }),
    };
    return { state: 'live', owner: completed, data: data ?? {}, idleTimeoutMs };
  } catch {
    return null;
  }
}

/** When a copy was last seen, by Redis's clock. */
export function lastSeenOf(value: string): number {
  return Number(value.slice(1, 14));
}

/** The value of a tombstone; `unknown` stands for a session without a row. */
export function formatTombstone(reason: EndReason | 'unknown'): string {
  return `E${reason}`;
}

/** What a tombstone says, or null where the value is none. */
export function parseTombstone(value: string | null | undefined): SessionReading | null {
  if (!value?.startsWith('E')) return null;
  const reason = value.slice(1);
  return reason === 'unknown' ? { state: 'unknown' } : { state: 'ended', reason: reason as EndReason };
}
