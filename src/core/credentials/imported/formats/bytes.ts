// From the ways in which systems write bytes to the recipe's own, base64. Nothing is guessed: what
// is not written so is malformed.
import { malformed } from '../failure.ts';
import { DIGESTS, type Digest } from '../recipe.ts';
import { fromItoa64 } from '../steps/itoa64.ts';

/** How long the bytes are that a digest makes. */
export const DIGEST_BYTES: Readonly<Record<Digest, number>> = {
  md4: 16,
  md5: 16,
  sha1: 20,
  sha224: 28,
  sha256: 32,
  sha384: 48,
  sha512: 64,
  ripemd160: 20,
};

/** Of a text that is used as it stands. */
export const utf8 = (text: string): string => Buffer.from(text).toString('base64');

export const bytes = (of: Uint8Array): string => Buffer.from(of).toString('base64');

/** Without padding, as in PHC. */
export const bare = (of: Uint8Array): string => bytes(of).replace(/=+$/, '');

/** @throws ImportedHashFailure malformed_hash */
export function hex(text: string): Buffer {
  if (text.length % 2 !== 0 || !/^[0-9a-f]+$/i.test(text)) malformed();
  return Buffer.from(text, 'hex');
}

/** Padded or not. @throws ImportedHashFailure malformed_hash */
export function base64(text: string): Buffer {
  const bare = text.replace(/={0,2}$/, '');
  if (!/^[A-Za-z0-9+/]+$/.test(bare) || bare.length % 4 === 1) malformed();
  return Buffer.from(bare, 'base64');
}

/** passlib's, which writes `.` for `+`. @throws ImportedHashFailure malformed_hash */
export const ab64 = (text: string): Buffer => base64(text.replaceAll('.', '+'));

/** @throws ImportedHashFailure malformed_hash */
export function base64url(text: string): Buffer {
  return base64(text.replaceAll('-', '+').replaceAll('_', '/'));
}

/** crypt(3)'s. @throws ImportedHashFailure malformed_hash */
export const itoa64 = (text: string): Buffer => fromItoa64(text) ?? malformed();

/** Of exactly so many bytes. @throws ImportedHashFailure malformed_hash */
export function exactly(length: number, of: Buffer): string {
  return of.length === length ? bytes(of) : malformed();
}

/** A whole number from 1. @throws ImportedHashFailure malformed_hash */
export function count(text: unknown): number {
  const value = typeof text === 'string' && /^\d{1,15}$/.test(text) ? Number(text) : text;
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 1 ? value : malformed();
}

const DIGEST_NAMES: ReadonlyMap<string, Digest> = new Map([
  ['sha', 'sha1'],
  ...DIGESTS.map((name) => [name, name] as const),
]);

/** However it is written: `SHA-256`, `sha256`. @throws ImportedHashFailure malformed_hash */
export function digestNamed(name: string): Digest {
  return DIGEST_NAMES.get(name.toLowerCase().replaceAll('-', '')) ?? malformed();
}
