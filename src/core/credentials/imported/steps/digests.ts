// Digests and the little that is built of them.
import { createHmac, hash } from 'node:crypto';
import { createMD4 } from 'hash-wasm';
import type { Digest } from '../recipe.ts';

const md4 = await createMD4();

export function digest(of: Digest, bytes: Uint8Array): Buffer {
  // OpenSSL has it only among what it keeps for old times.
  if (of === 'md4') return Buffer.from(md4.init().update(bytes).digest('binary'));
  // At once, it takes half of what createHash() does.
  return hash(of, bytes, 'buffer');
}

export function hmac(of: Digest, key: Uint8Array, data: Uint8Array): Buffer {
  return createHmac(of, key).update(data).digest();
}

/** H(salt ‖ x), then `rounds` times H(that ‖ x). */
export function stretched(of: Digest, bytes: Buffer, { salt, rounds }: { salt: Buffer; rounds: number }): Buffer {
  let state: Buffer = digest(of, Buffer.concat([salt, bytes]));
  for (let round = 0; round < rounds; round += 1) state = digest(of, Buffer.concat([state, bytes]));
  return state;
}

/** sha1-crypt of NetBSD: HMAC-SHA-1 over and over, keyed with the password. */
export function sha1Crypt(password: Buffer, { salt, iterations }: { salt: Buffer; iterations: number }): Buffer {
  let state: Buffer = Buffer.concat([salt, Buffer.from(`$sha1$${iterations}`)]);
  for (let i = 0; i < iterations; i += 1) state = hmac('sha1', password, state);
  return state;
}
