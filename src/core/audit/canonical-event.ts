// The form in which an event is sealed: canonical JSON (RFC 8785), chained by SHA-256. Personal
// values enter by a salted hash, so that they can be erased without breaking the chain. Pure.
import { hash } from 'node:crypto';
import { isIP, isIPv4 } from 'node:net';
import canonicalize from 'canonicalize';
import ipaddr from 'ipaddr.js';
import type { Detail } from './events.ts';

/** The hash before the first event. */
export const GENESIS_HASH = Buffer.alloc(32);

export interface SealedEvent {
  readonly seq: number;
  readonly sealedAt: Date;
  readonly id: string;
  readonly occurredAt: Date;
  readonly type: string;
  readonly outcome: string;
  readonly actor: string | null;
  readonly subject: string | null;
  readonly session: string | null;
  readonly requestId: string | null;
  readonly detail: Detail;
  readonly ip: string | null;
  readonly userAgent: string | null;
  /** Where the address may be, as text (places/place.ts); left out where it is not told, as in an export. */
  readonly place?: string | null;
  /** Null once the personal values have been erased. */
  readonly personalSalt: Buffer | null;
  readonly personalHash: Buffer;
  readonly prevHash: Buffer;
  readonly hash: Buffer;
}

/** What an event's hash covers. Moments are ISO 8601 in UTC; `personal` is base64url. */
export interface SealedFields
  extends Pick<
    SealedEvent,
    'seq' | 'id' | 'type' | 'outcome' | 'actor' | 'subject' | 'session' | 'requestId' | 'detail'
  > {
  readonly sealedAt: string;
  readonly occurredAt: string;
  readonly personal: string;
}

/** The canonical JSON that is chained. `detail`: the canonical form of the event's, where it is known. */
export function sealedText(event: SealedFields, detail = detailText(event.detail)): string {
  // In the order and spelling of the library, as a test checks, but five times as fast.
  return `{"actor":${json(event.actor)},"detail":${detail},"id":"${event.id}","occurredAt":"${event.occurredAt}","outcome":${json(event.outcome)},"personal":"${event.personal}","requestId":${json(event.requestId)},"sealedAt":"${event.sealedAt}","seq":${event.seq},"session":${json(event.session)},"subject":${json(event.subject)},"type":${json(event.type)},"v":1}`;
}

export function personalText({ ip, userAgent }: { ip: string | null; userAgent: string | null }): string {
  return `{"ip":${json(sealedAddress(ip))},"userAgent":${json(userAgent)}}`;
}

const PLACE_BYTES = 32;
const PLACED_SALT_BYTES = 16 + PLACE_BYTES;

/**
 * The salt of an event with a place, hexadecimal: it ends in the salted hash of that. So the place is a part of what is chained,
 * and a version that knows no places still proves the event.
 */
export function placedSalt(salt: string, place: string): string {
  return salt + digest(salt, place, 'hex');
}

/** Whether a place is the one that was sealed. One that nobody tells is not judged. */
function isPlaceSealed(salt: Buffer, place: string | null | undefined): boolean {
  if (place === undefined) return true;
  if (place === null) return salt.length !== PLACED_SALT_BYTES;
  const plain = salt.subarray(0, -PLACE_BYTES).toString('hex');
  return salt.length === PLACED_SALT_BYTES && placedSalt(plain, place) === salt.toString('hex');
}

export function detailText(detail: Detail): string {
  for (const _ in detail) return canonical(detail);
  return '{}';
}

export function hashPersonal(salt: Buffer, personal: { ip: string | null; userAgent: string | null }): Buffer {
  return Buffer.from(digest(salt, personalText(personal), 'hex'), 'hex');
}

export function hashEvent(event: Omit<SealedEvent, 'hash'>): Buffer {
  const text = sealedText({
    ...event,
    sealedAt: event.sealedAt.toISOString(),
    occurredAt: event.occurredAt.toISOString(),
    personal: event.personalHash.toString('base64url'),
  });
  return Buffer.from(digest(event.prevHash, text, 'hex'), 'hex');
}

let scratch = Buffer.allocUnsafeSlow(16_384);

/** SHA-256 over bytes (or their hexadecimal text, which is cheaper) and the text after them. */
export function digest(before: Uint8Array | string, text: string, encoding: 'hex' | 'base64url'): string {
  const most = before.length + text.length * 3;
  if (most > scratch.length) scratch = Buffer.allocUnsafeSlow(most);
  let end = before.length;
  if (typeof before === 'string') end = scratch.write(before, 'hex');
  else scratch.set(before, 0);
  end += scratch.write(text, end, 'utf8');
  return hash('sha256', scratch.subarray(0, end), encoding);
}

/** Null if the event is right and follows the one before. */
export function checkEvent(event: SealedEvent, expected: { seq: number; prevHash: Buffer }): string | null {
  if (event.seq > expected.seq) return missing(expected.seq, event.seq - 1);
  if (event.seq < expected.seq) return `event ${event.seq} was inserted: it stands twice or out of order`;
  const content = contentProblem(event);
  if (content) return content;
  if (!event.prevHash.equals(expected.prevHash))
    return `event ${event.seq} does not follow the one before it: one of them was replaced`;
  return null;
}

/** What is wrong with an event's own values, by its hashes; null if nothing is. */
export function contentProblem(event: SealedEvent): string | null {
  const salt = event.personalSalt;
  if (salt && !hashPersonal(salt, event).equals(event.personalHash))
    return `event ${event.seq} was altered: address or browser`;
  if (salt && !isPlaceSealed(salt, event.place)) return `event ${event.seq} was altered: its place`;
  if (!salt && (event.ip !== null || event.userAgent !== null || (event.place ?? null) !== null))
    return `event ${event.seq} was altered: erased values came back`;
  if (!hashEvent(event).equals(event.hash)) return `event ${event.seq} was altered`;
  return null;
}

export function missing(first: number, last: number): string {
  return first === last ? `event ${first} is missing` : `events ${first} to ${last} are missing`;
}

/** One spelling of an address, without the zone of a link; null for what is no address. */
export function canonicalAddress(text: string | null): string | null {
  if (text === null || isIPv4(text)) return text;
  if (isIP(text) === 0) return null;
  return ipaddr.process(text.replace(/%.*$/, '')).toString();
}

const MOST_ADDRESSES = 1_000;
const addresses = new Map<string, string>();

/** As it was sealed. */
function sealedAddress(ip: string | null): string | null {
  if (ip === null || isIPv4(ip)) return ip;
  const known = addresses.get(ip);
  if (known !== undefined) return known;
  const sealed = spelledAddress(ip);
  if (addresses.size >= MOST_ADDRESSES) addresses.clear();
  addresses.set(ip, sealed);
  return sealed;
}

/** A network, a zone or an IPv4 address written as IPv6 was sealed as it is. */
function spelledAddress(ip: string): string {
  const canonical = canonicalAddress(ip);
  return canonical === null || isIPv4(canonical) || ip.includes('%') ? ip : canonical;
}

function canonical(value: unknown): string {
  const text = canonicalize(value);
  if (text === undefined) throw new TypeError('an event has no canonical form');
  return text;
}

/** What JSON writes as it is. */
const PLAIN = /^[ !#-[\]-~]*$/;

function json(text: string | null): string {
  if (text === null) return 'null';
  return PLAIN.test(text) ? `"${text}"` : JSON.stringify(text);
}
