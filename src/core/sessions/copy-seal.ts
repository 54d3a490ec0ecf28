// What makes a session's copy in Redis ours. Whoever can write to Redis ends sessions, but makes none: of a copy without a seal
// PostgreSQL is asked.
import { createHmac, timingSafeEqual } from 'node:crypto';

/** Guesses can be tried at a web process alone: 96 bits are more than anybody can try. */
const BYTES = 12;
/** Of a seal as text. */
export const SEAL_LENGTH = (BYTES * 4) / 3;

export type CopySeal = ReturnType<typeof createCopySeal>;

/** `signingKeys`: the first seals, all are accepted; at least one. */
export function createCopySeal(signingKeys: readonly string[]) {
  const keys = signingKeys.map((key) => createHmac('sha256', key).update('a copy of a session').digest());
  const [first] = keys;
  if (!first) throw new Error('copies of sessions need a key');

  const sealBy = (key: Buffer, name: string, body: Buffer) =>
    createHmac('sha256', key).update(name).update(body).digest().subarray(0, BYTES);

  return {
    /** As text of {@link SEAL_LENGTH} characters. */
    of: (name: string, body: Buffer): string => sealBy(first, name, body).toString('base64url'),

    /** Whether `seal` is that of these bytes under this name, by any of the keys. */
    isOf(name: string, body: Buffer, seal: string): boolean {
      const given = Buffer.from(seal, 'base64url');
      return given.length === BYTES && keys.some((key) => timingSafeEqual(sealBy(key, name, body), given));
    },
  };
}
