// A session's entry in Redis: a copy of its row, or the tombstone of one that has ended. Of a copy without our seal, as those of
// the version before, or of a foreign shape PostgreSQL is asked. An entry is bytes, which
// are handed around as text of one character a byte (latin1).
import { createHash } from 'node:crypto';
import QuickLRU from 'quick-lru';
import type { Epoch } from '../platform/postgres/epoch.ts';
import { keys } from '../platform/redis.ts';
import { AUTHENTICATION_METHODS, readAuthenticationMethod } from './authentication-method.ts';
import { type CopySeal, SEAL_LENGTH } from './copy-seal.ts';
import { ROLES, readRole } from './role.ts';
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
  /** The mark ({@link epochMark}) of the PostgreSQL that the copy was made of; null where the copy does not say. */
  readonly mark: string | null;
  readonly idleTimeoutMs: number;
  /** When it was last seen, by Redis's clock. */
  readonly seenAt: number;
}

/*
 * A tombstone is `E` and the reason. A copy is `S`, then, numbers with their highest byte first:
 *   6 bytes   when it was last seen       Only scripts take and compare these two, which are
 *   6         its absolute deadline       milliseconds of Redis's clock.
 *   4         the mark of its epoch, by which scripts tell a copy of the past; zeros for none
 *   1         1: remember · 2, 4: the role · 8, 16, 32: how its owner logged in · 64: a log-in follows · 128: an application
 *   5         the idle timeout, in milliseconds
 *   16 each   its id, its account's, the log-in's where it is another, the application's
 *   6 each    when its owner proved who they are, where there is an application; its beginning; its account's
 *   the rest  the e-mail address; after a zero, JSON of what is seldom there, and last in it `m`, the seal of all but the two moments
 * What a later version adds goes into the JSON, where this one leaves what it does not know. The version before leaves the seal
 * there, and writes copies without one.
 * Of an older version a copy is `L`, the two moments in 13 digits each, and JSON.
 */
export const COPY = 'S';
const OLD_COPY = 'L';
export const MARK_START = 13;
const MARK_BYTES = 4;
const FIXED_BYTES = 5 + 16 + 16 + 6 + 6;
const FLAGS_AT = MARK_START + MARK_BYTES;
const OLD_HEADER = 1 + 13 + 13;

const REMEMBER = 1;
const ROLE_SHIFT = 1;
const METHOD_SHIFT = 3;
const OTHER_LOGIN = 64;
const AT_APPLICATION = 128;

/** What a copy has room for beside its fixed fields. */
interface Seldom {
  readonly data?: SessionData;
}

/** Which session a copy is of, and whose. */
export type CopyOwner = Pick<SessionOwner, 'id' | 'userId' | 'loginId' | 'application'>;

/** What is read of the JSON of a copy of an older version. */
interface OldEntry {
  readonly v: number;
  readonly owner: CopyOwner;
}

/** What a session is called in the names of its keys: the hash of its token, as text. */
export function nameOf(tokenHash: Buffer): string {
  return tokenHash.toString('base64url');
}

/**
 * The key of the list that has an account's copies among those of others: where nearly every account has one session, a key
 * for each would take more room than what it says. Account ids are random in these places.
 */
export function ownerKey(userId: string): string {
  return keys.owned(bytesOfUuid(userId).toString('hex', 10, 12));
}

/** Such a list is a text of pieces of equal length: the hash of a token, whose it is, and when it is gone at the latest. */
export const LISTED_BYTES = 32 + 4 + 4;

/** Whose a piece of such a list is. Two accounts may be called the same: the copy says which. */
export function ownerTag(userId: string): Buffer {
  return bytesOfUuid(userId).subarray(12);
}

/** The names of an account's copies in such a list. */
export function namesOf(userId: string, list: Buffer | null): string[] {
  const tag = ownerTag(userId);
  const names: string[] = [];
  for (let at = 0; list !== null && at < list.length; at += LISTED_BYTES)
    if (list.subarray(at + 32, at + 36).equals(tag)) names.push(nameOf(list.subarray(at, at + 32)));
  return names;
}

/** The list of an account's copies as the version before keeps it. */
export function oldOwnerKey(userId: string): string {
  return keys.owner(bytesOfUuid(userId).toString('base64url'));
}

const NO_MARK = '\0'.repeat(MARK_BYTES);

let marked: { readonly epoch: Epoch; readonly mark: string } | null = null;

/** What stands for an epoch in a copy, as text of its bytes. */
export function epochMark(epoch: Epoch): string {
  if (marked?.epoch === epoch) return marked.mark;
  marked = { epoch, mark: createHash('sha256').update(epoch).digest().toString('latin1', 0, MARK_BYTES) };
  return marked.mark;
}

/** How what follows a copy's two moments begins, if it is of this epoch. */
export function markBytes(epoch: Epoch | null): Buffer {
  return Buffer.from(epoch === null ? NO_MARK : epochMark(epoch), 'latin1');
}

/** Around the seal, the last that a copy's JSON has. */
const [SEAL_BEFORE, SEAL_AFTER] = ['"m":"', '"}'];
const SEALED_BYTES = SEAL_BEFORE.length + SEAL_LENGTH + SEAL_AFTER.length;

/** A copy without its two moments, sealed under its session's name. */
export function formatEntry(
  name: string,
  { owner, idleTimeoutMs, data }: LiveRecord,
  epoch: Epoch | null,
  seal: CopySeal,
): Buffer {
  const { id, userId, loginId, application, email } = owner;
  const otherLogin = loginId !== id;
  const seldom: Seldom = Object.keys(data).length > 0 ? { data } : {};
  const flags =
    (owner.remember ? REMEMBER : 0) |
    (ROLES.indexOf(owner.role) << ROLE_SHIFT) |
    (AUTHENTICATION_METHODS.indexOf(owner.authenticationMethod) << METHOD_SHIFT) |
    (otherLogin ? OTHER_LOGIN : 0) |
    (application ? AT_APPLICATION : 0);
  const body = Buffer.concat([
    markBytes(epoch),
    Buffer.of(flags),
    bytesOfNumber(idleTimeoutMs, 5),
    bytesOfUuid(id),
    bytesOfUuid(userId),
    ...(otherLogin ? [bytesOfUuid(loginId)] : []),
    ...(application ? [bytesOfUuid(application.id), bytesOfNumber(application.provedAt, 6)] : []),
    bytesOfNumber(owner.createdAt, 6),
    bytesOfNumber(owner.memberSince, 6),
    Buffer.from(email),
    Buffer.of(0),
    Buffer.from(Object.keys(seldom).length > 0 ? `${JSON.stringify(seldom).slice(0, -1)},` : '{'),
  ]);
  return Buffer.concat([body, Buffer.from(`${SEAL_BEFORE}${seal.of(name, body)}${SEAL_AFTER}`)]);
}

/** Whether a copy is sealed, under this name. */
function isSealed(name: string, bytes: Buffer, seal: CopySeal): boolean {
  const end = bytes.length - SEALED_BYTES;
  const tail = bytes.toString('latin1', end);
  if (!tail.startsWith(SEAL_BEFORE) || !tail.endsWith(SEAL_AFTER)) return false;
  return seal.isOf(name, bytes.subarray(MARK_START, end), tail.slice(SEAL_BEFORE.length, -SEAL_AFTER.length));
}

/** A copy of this version, sealed or not, or null where the value is none that it can read. */
export function parseEntry(value: string | null | undefined): CacheEntry | null {
  if (!value?.startsWith(COPY)) return null;
  try {
    return parseCopy(Buffer.from(value, 'latin1'));
  } catch {
    return null;
  }
}

/** Of a copy of this version or an older one, sealed or not; null where it can't be read. It may be ended by that, and no more. */
export function ownerOf(value: string | null | undefined): CopyOwner | null {
  if (!value?.startsWith(OLD_COPY)) return parseEntry(value)?.owner ?? null;
  try {
    return parseOld(Buffer.from(value, 'latin1').toString());
  } catch {
    return null;
  }
}

/** Whether a value is a copy, of whatever version. */
export function isCopy(value: string | null | undefined): boolean {
  return value?.startsWith(COPY) === true || value?.startsWith(OLD_COPY) === true;
}

function parseCopy(bytes: Buffer): CacheEntry | null {
  if (bytes.length <= FLAGS_AT + 1 + FIXED_BYTES) return null;
  const flags = bytes.readUInt8(FLAGS_AT);
  let at = FLAGS_AT + 1;
  const number = (size: 5 | 6) => {
    at += size;
    return bytes.readUIntBE(at - size, size);
  };
  const uuid = () => {
    at += 16;
    return uuidOf(bytes.toString('hex', at - 16, at));
  };
  const idleTimeoutMs = number(5);
  const [id, userId] = [uuid(), uuid()];
  const loginId = flags & OTHER_LOGIN ? uuid() : id;
  const application = flags & AT_APPLICATION ? { id: uuid(), provedAt: number(6) } : null;
  const [createdAt, memberSince] = [number(6), number(6)];
  const zero = bytes.indexOf(0, at);
  const email = bytes.toString('utf8', at, zero < 0 ? bytes.length : zero);
  const { data = {} } = zero < 0 ? {} : (JSON.parse(bytes.toString('utf8', zero + 1)) as Seldom);
  const mark = bytes.toString('latin1', MARK_START, FLAGS_AT);
  const owner: SessionOwner = {
    id,
    userId,
    email,
    role: readRole(ROLES[(flags >> ROLE_SHIFT) & 3]),
    remember: (flags & REMEMBER) !== 0,
    authenticationMethod: readAuthenticationMethod(AUTHENTICATION_METHODS[(flags >> METHOD_SHIFT) & 7]),
    createdAt,
    memberSince,
    loginId,
    ...(application && { application }),
  };
  const seenAt = bytes.readUIntBE(1, 6);
  return { state: 'live', owner, data, idleTimeoutMs, seenAt, mark: mark === NO_MARK ? null : mark };
}

function parseOld(value: string): CopyOwner | null {
  const { v, owner } = JSON.parse(value.slice(OLD_HEADER)) as Partial<OldEntry>;
  if (v !== 1 || !owner) return null;
  const { id, userId, loginId = id, application } = owner;
  if (typeof id !== 'string' || typeof userId !== 'string') return null;
  return { id, userId, loginId, ...(application && { application }) };
}

function bytesOfNumber(number: number, size: 5 | 6): Buffer {
  const bytes = Buffer.alloc(size);
  bytes.writeUIntBE(number, 0, size);
  return bytes;
}

function bytesOfUuid(uuid: string): Buffer {
  const bytes = Buffer.from(uuid.replaceAll('-', ''), 'hex');
  if (bytes.length !== 16) throw new Error('an id is no UUID');
  return bytes;
}

function uuidOf(hex: string): string {
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

const KEPT_FORMS = 2_000;

export type EntryParser = (name: string, value: string | null | undefined) => CacheEntry | null;

/**
 * `parseEntry` by a session's name, of sealed copies alone; gives the same object, frozen, while the bytes stay the same. They are
 * read anew each time: what is kept is their form, and nothing of whether they count.
 */
export function createEntryParser(seal: CopySeal): EntryParser {
  const forms = new QuickLRU<string, { readonly value: string; readonly entry: CacheEntry }>({ maxSize: KEPT_FORMS });
  return (name, value) => {
    const kept = forms.get(name);
    if (kept !== undefined && kept.value === value) return kept.entry;
    if (!value?.startsWith(COPY) || !isSealed(name, Buffer.from(value, 'latin1'), seal)) return null;
    const entry = parseEntry(value);
    if (entry) forms.set(name, { value, entry: freeze(entry) });
    return entry;
  };
}

function freeze<T extends object>(value: T): T {
  for (const inner of Object.values(value)) if (typeof inner === 'object' && inner !== null) freeze(inner);
  return Object.freeze(value);
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
