// The address as typed, as the throttle and the records know it: a keyed hash, because somebody may
// have typed a password.
import { createHmac, hkdfSync } from 'node:crypto';
import { emailKey } from '../platform/email-address.ts';

export type IdentifierHash = (email: string) => string;

/** Keyed by the oldest session key. Two spellings of one address have one hash. */
export function createIdentifierHash(secret: string): IdentifierHash {
  const key = Buffer.from(hkdfSync('sha256', secret, '', 'holdfast login identifier', 32));
  return (email) => createHmac('sha256', key).update(emailKey(email)).digest('base64url');
}
