// Random tokens of 256 bits, and the hash by which one is kept: a stolen table opens nothing.
import { createHash } from 'node:crypto';

/** The SHA-256 of a session token: all that Redis and PostgreSQL ever see of it. */
export function hashToken(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
