// How passwords are hashed and compared: by Argon2id, in the queue that hash-queue.ts keeps fair.
import { hash, hashRaw, verify } from '@node-rs/argon2';
import { type Asker, createHashQueue } from './hash-queue.ts';

export { HashQueueFullError } from './hash-queue.ts';

/** Longer ones are neither accepted nor hashed. */
export const MAX_BYTES = 256;

/** What is longer has too many bytes in any form: its composed one need not be found. */
const MAX_TYPED_LENGTH = 4 * MAX_BYTES;

const ARGON2ID = 2;
/** Fixed, whatever passwords cost: what was derived must be found again. */
const DERIVING = { algorithm: ARGON2ID, memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;

/**
 * A password in the one form that is hashed: keyboards and systems write the same letter, or a space, in several ways
 * (NIST SP 800-63B-4 §3.1.1.2; RFC 8265 §4.2, OpaqueString). Nothing else of it changes.
 */
export function normalisePassword(typed: string): string {
  return typed.length > MAX_TYPED_LENGTH ? typed : typed.replace(/\p{Zs}/gu, ' ').normalize('NFC');
}

export type Passwords = ReturnType<typeof createPasswords>;

/** Hashes at most `concurrency` at once; whoever asks for a hash says who they are, and holds a few places. */
export function createPasswords({ concurrency, cost }: { concurrency: number; cost: HashingCost }) {
  const queue = createHashQueue(concurrency);
  const { memoryKib, passes, lanes } = cost;
  const options = { algorithm: ARGON2ID, memoryCost: memoryKib, timeCost: passes, parallelism: lanes };
  const prefix = `$argon2id$v=19$m=${memoryKib},t=${passes},p=${lanes}$`;
  let decoy: Promise<string> | null = null;

  return {
    queue: queue.length,
    expectRoom: queue.expectRoom,
    admit: queue.admit,
    /** Other work of this kind, in its turn. @throws HashQueueFullError */
    queued: queue.run,

    /** The hash to keep. @throws HashQueueFullError */
    hash: (password: string, by: Asker): Promise<string> =>
      queue.run(by, () => hash(normalisePassword(password), options)),

    /** Argon2id with this salt, for what is looked up by its hash. @throws HashQueueFullError */
    derive: (secret: string, salt: Buffer, by: Asker): Promise<Buffer> =>
      queue.run(by, () => hashRaw(secret, { ...DERIVING, salt })),

    /**
     * Whether a password is the one that was hashed; `outdated` if it is, and is to be hashed anew: at the present cost, or
     * in the form that is hashed today. With no hash to compare, the same work is done on a decoy and the answer is false:
     * an account that does not exist takes as long as a wrong password. @throws HashQueueFullError
     */
    async verify(kept: string | null, typed: string, by: Asker): Promise<false | 'current' | 'outdated'> {
      decoy ??= hash('a password that nobody has', options);
      const against = kept ?? (await decoy);
      const normalised = normalisePassword(typed);
      // Hashes of earlier versions are of what was typed, as it was.
      for (const password of new Set([normalised, typed])) {
        const fits = Buffer.byteLength(password) <= MAX_BYTES;
        const matches = await queue.run(by, () => verify(against, fits ? password : ''));
        if (kept === null || !fits || !matches) continue;
        return password === normalised && kept.startsWith(prefix) ? 'current' : 'outdated';
      }
      return false;
    },
  };
}

export interface HashingCost {
  readonly memoryKib: number;
  readonly passes: number;
  readonly lanes: number;
}
