// The form in which an event is sealed: canonical JSON (RFC 8785), chained by SHA-256, personal values behind a salted
// hash so that they can be erased without breaking the chain. Pure: what seals and what verifies share it.
import { hash } from 'node:crypto';
import { isIP, isIPv4 } from 'node:net';
import canonicalize from 'canonicalize';
import ipaddr from 'ipaddr.js';
import type { Detail } from './events.ts';

/** The hash before the first event. */
export const GENESIS_HASH = Buffer.alloc(32);

/** A sealed event, as it stands in the log. */
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
  /** Null once the personal values have been erased. */
  readonly personalSalt: Buffer | null;
  readonly personalHash: Buffer;
  readonly prevHash: Buffer;
  readonly hash: Buffer;
}

/**
 * What of an event its own hash covers: moments in ISO 8601 with milliseconds, UTC; the personal values stand in it by their
 * hash alone, base64url.
 */
export interface SealedFields
  extends Pick<
    SealedEvent,
    'seq' | 'id' | 'type' | 'outcome' | 'actor' | 'subject' | 'session' | 'requestId' | 'detail'
  > {
  readonly sealedAt: string;
  readonly occurredAt: string;
  readonly personal: string;
}

/** The canonical JSON that is chained. */
export function sealedText(event: SealedFields): string {
  // The library's order and spelling (a test holds the two together), five times as fast: the fields are always the same.
  return `{"actor":${json(event.actor)},"detail":${detailText(event.detail)},"id":"${event.id}","occurredAt":"${event.occurredAt}","outcome":${json(event.outcome)},"personal":"${event.personal}","requestId":${json(event.requestId)},"sealedAt":"${event.sealedAt}","seq":${event.seq},"session":${json(event.session)},"subject":${json(event.subject)},"type":${json(event.type)},"v":1}`;
}

/** The canonical JSON of the personal values. */
export function personalText({ ip, userAgent }: { ip: string | null; userAgent: string | null }): string {
  return `{"ip":${json(sealedAddress(ip))},"userAgent":${json(userAgent)}}`;
}

export function detailText(detail: Detail): string {
  for (const _ in detail) return canonical(detail);
  return '{}';
}

/** SHA-256 over the salt and the canonical JSON of the personal values. */
export function hashPersonal(salt: Buffer, personal: { ip: string | null; userAgent: string | null }): Buffer {
  return Buffer.from(digest(salt, personalText(personal), 'hex'), 'hex');
}

/** SHA-256 over the hash before and the canonical JSON of the event; personal values enter by their hash only. */
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

/** SHA-256 over bytes, given as such or in hexadecimal, and the text behind them. As text it is cheaper than as a buffer. */
export function digest(before: Uint8Array | string, text: string, encoding: 'hex' | 'base64url'): string {
  const most = before.length + text.length * 3;
  if (most > scratch.length) scratch = Buffer.allocUnsafeSlow(most);
  let end = before.length;
  if (typeof before === 'string') end = scratch.write(before, 'hex');
  else scratch.set(before, 0);
  end += scratch.write(text, end, 'utf8');
  return hash('sha256', scratch.subarray(0, end), encoding);
}

/** What is wrong with an event, given the one before it; null if nothing is. */
export function checkEvent(event: SealedEvent, expected: { seq: number; prevHash: Buffer }): string | null {
  if (event.seq > expected.seq) return missing(expected.seq, event.seq - 1);
  if (event.seq < expected.seq) return `event ${event.seq} was inserted: it stands twice or out of order`;
  const content = contentProblem(event);
  if (content) return content;
  if (!event.prevHash.equals(expected.prevHash))
    return `event ${event.seq} does not follow the one before it: one of them was replaced`;
  return null;
}

/** What is wrong with what an event holds, by its own hashes; null if nothing is. */
export function contentProblem(event: SealedEvent): string | null {
  const salt = event.personalSalt;
  if (salt && !hashPersonal(salt, event).equals(event.personalHash))
    return `event ${event.seq} was altered: address or browser`;
  if (!salt && (event.ip !== null || event.userAgent !== null))
    return `event ${event.seq} was altered: erased values came back`;
  if (!hashEvent(event).equals(event.hash)) return `event ${event.seq} was altered`;
  return null;
}

/** How a gap in the numbers is named. */
export function missing(first: number, last: number): string {
  return first === last ? `event ${first} is missing` : `events ${first} to ${last} are missing`;
}

/** An address in one spelling, whoever wrote it down, without the zone of a link; what is no address is null. */
export function canonicalAddress(text: string | null): string | null {
  if (text === null || isIPv4(text)) return text;
  if (isIP(text) === 0) return null;
  return ipaddr.process(text.replace(/%.*$/, '')).toString();
}

/** As it was sealed, whoever spelled it. What was not sealed so stays as it is: a network, a zone, an address in the other version. */
function sealedAddress(ip: string | null): string | null {
  if (ip === null || isIPv4(ip)) return ip;
  const canonical = canonicalAddress(ip);
  return canonical === null || isIPv4(canonical) || ip.includes('%') ? ip : canonical;
}

function canonical(value: unknown): string {
  const text = canonicalize(value);
  if (text === undefined) throw new TypeError('an event has no canonical form');
  return text;
}

function json(text: string | null): string {
  return text === null ? 'null' : JSON.stringify(text);
}
