// What the file of drains names instead of holding it: keys to sign with, certificates to believe.
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** A sentence about a setting that can't be used. */
export class Unreadable extends Error {}

/** As Standard Webhooks ask. */
const [SHORTEST_KEY, LONGEST_KEY] = [24, 64];
const KEY = /^(?:whsec_)?([A-Za-z0-9+/]+={0,2})$/;

export const KEYS_EXPECTED = `whsec_ and ${SHORTEST_KEY} to ${LONGEST_KEY} random bytes in base64`;

/** Keys with blanks or commas between them; null if there is none, or one is none. */
export function keysIn(text: string): Buffer[] | null {
  const keys = text
    .split(/[\s,]+/)
    .filter(Boolean)
    .map((key) => Buffer.from(KEY.exec(key)?.[1] ?? '', 'base64'));
  return keys.length > 0 && keys.every(({ length }) => length >= SHORTEST_KEY && length <= LONGEST_KEY) ? keys : null;
}

/** A key a line, `whsec_` and base64; each signs. */
export function readKeys(file: string): Buffer[] {
  const keys = keysIn(read(file, 'secretFile'));
  if (keys !== null) return keys;
  throw new Unreadable(`secretFile: expected ${KEYS_EXPECTED}, one key a line`);
}

/** PEM; null without a file. */
export function readCertificates(file: string | undefined): string | null {
  if (file === undefined) return null;
  const text = read(file, 'caFile');
  try {
    new X509Certificate(text);
    return text;
  } catch {
    throw new Unreadable(`caFile: ${file} holds no certificate in PEM`);
  }
}

function read(file: string, setting: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new Unreadable(`${setting}: ${file} can't be read (${(error as NodeJS.ErrnoException).code})`);
  }
}
