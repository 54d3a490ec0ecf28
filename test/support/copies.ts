// Copies of sessions as they stand in Redis, for tests that age one or put one of another version in its place.
import type { Redis } from 'ioredis';
import { type CacheEntry, parseEntry } from '../../src/core/sessions/cache-entry.ts';

/** The bytes of a key, one character each. */
export async function entryOf(redis: Redis, key: string): Promise<string> {
  return (await redis.getBuffer(key))?.toString('latin1') ?? '';
}

/** A copy as this version reads it. Throws where there is none. */
export async function copyOf(redis: Redis, key: string): Promise<CacheEntry> {
  const entry = parseEntry(await entryOf(redis, key));
  if (!entry) throw new Error('there is no copy');
  return entry;
}

/** Says of a copy that it was last seen at this moment of Redis's clock. */
export async function setSeen(redis: Redis, key: string, at: number): Promise<void> {
  const bytes = Buffer.alloc(6);
  bytes.writeUIntBE(at, 0, 6);
  await redis.setrange(key, 1, bytes);
}

/** A copy with its seal cut off, as the version before wrote it. */
export async function unsealed(redis: Redis, key: string): Promise<string> {
  return (await entryOf(redis, key)).replace(/\0\{"m":"[\w-]{16}"\}$/, '');
}

/** A copy as an older version wrote it: its header, and what was JSON. */
export interface OldCopy {
  readonly header: string;
  readonly copy: { readonly owner: Record<string, unknown> } & Record<string, unknown>;
}

/** What that version would have written in the place of a copy, in this epoch. */
export async function asOldCopy(redis: Redis, key: string, epoch: string | null): Promise<OldCopy> {
  const [entry, bytes] = [await copyOf(redis, key), await redis.getBuffer(key)];
  const digits = (number: number) => String(number).padStart(13, '0');
  const { authenticationMethod, loginId, role, remember, ...rest } = entry.owner;
  const owner = {
    ...rest,
    ...(loginId === rest.id ? {} : { loginId }),
    ...(role === 'member' ? {} : { role }),
    ...(remember ? { remember } : {}),
    ...(authenticationMethod === 'password' ? {} : { proved: authenticationMethod }),
  };
  const kept = Object.keys(entry.data).length > 0 ? { data: entry.data } : {};
  return {
    header: `L${digits(entry.seenAt)}${digits(bytes?.readUIntBE(7, 6) ?? 0)}`,
    copy: { v: 1, ...(epoch === null ? {} : { e: epoch }), idleTimeoutMs: entry.idleTimeoutMs, owner, ...kept },
  };
}
