// Passwords: which are accepted (NIST SP 800-63B-4 §3.1.1), and how they are kept: Argon2id, so many at once and no more,
// so that a storm of log-ins can't slow the pages of those already in.
import { hash, hashRaw, verify } from '@node-rs/argon2';
import pLimit from 'p-limit';

export const MIN_LENGTH = 8;
export const MAX_BYTES = 256;

const ARGON2ID = 2;
/** Whatever the cost of passwords is: what was derived once must be found again. */
const DERIVING = { algorithm: ARGON2ID, memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;
const QUEUE_PER_HASH = 64;

/** Thrown when so many passwords wait to be hashed that another would wait too long. */
export class HashQueueFullError extends Error {
  constructor() {
    super('too many passwords are being checked');
    this.name = 'HashQueueFullError';
  }
}

/** `breached`: the breach service knows it (breached-passwords.ts). */
export type PasswordProblem = 'too_short' | 'too_long' | 'too_common' | 'same_as_email' | 'breached';

/** A new password that was refused after the throttle, and nothing was done. */
export interface BadPassword {
  readonly ok: false;
  readonly reason: 'bad_password';
  readonly problem: PasswordProblem;
}

export const BREACHED: BadPassword = { ok: false, reason: 'bad_password', problem: 'breached' };

/** Why a new password is refused, or null. It is taken exactly as typed: any character, no rule of composition. */
export async function passwordProblem(
  password: string,
  email: string,
): Promise<Exclude<PasswordProblem, 'breached'> | null> {
  if (Array.from(password).length < MIN_LENGTH) return 'too_short';
  if (Buffer.byteLength(password) > MAX_BYTES) return 'too_long';
  const lower = password.toLowerCase();
  const { isCommon } = await import('./common-passwords.ts');
  if (isCommon(lower)) return 'too_common';
  const address = email.toLowerCase();
  return lower === address || lower === address.split('@')[0] ? 'same_as_email' : null;
}

export type Passwords = ReturnType<typeof createPasswords>;

/** Hashes and checks passwords, at most `concurrency` at once; a queue of 64 a place waits, more is refused. */
export function createPasswords({ concurrency, cost }: { concurrency: number; cost: HashingCost }) {
  const limit = pLimit(concurrency);
  const { memoryKib, passes, lanes } = cost;
  const options = { algorithm: ARGON2ID, memoryCost: memoryKib, timeCost: passes, parallelism: lanes };
  const prefix = `$argon2id$v=19$m=${memoryKib},t=${passes},p=${lanes}$`;
  let decoy: Promise<string> | null = null;

  function queued<T>(work: () => Promise<T>): Promise<T> {
    if (limit.pendingCount >= concurrency * QUEUE_PER_HASH) return Promise.reject(new HashQueueFullError());
    return limit(work);
  }

  return {
    /** How many are being hashed now, and how many wait. */
    queue: () => ({ hashing: limit.activeCount, waiting: limit.pendingCount }),

    /** The hash to keep. @throws HashQueueFullError */
    hash: (password: string): Promise<string> => queued(() => hash(password, options)),

    /** Whether a kept hash was made at another cost than passwords are hashed at now. */
    isOutdated: (kept: string): boolean => !kept.startsWith(prefix),

    /** The bare Argon2id of a short secret with a salt of its own, for what is looked up by its hash. @throws HashQueueFullError */
    derive: (secret: string, salt: Buffer): Promise<Buffer> => queued(() => hashRaw(secret, { ...DERIVING, salt })),

    /**
     * Whether a password is the one that was hashed. With no hash to compare, the same work is done on a decoy and the
     * answer is false: an account that does not exist takes as long as a wrong password. @throws HashQueueFullError
     */
    async verify(kept: string | null, password: string): Promise<boolean> {
      decoy ??= hash('a password that nobody has', options);
      const against = kept ?? (await decoy);
      const fits = Buffer.byteLength(password) <= MAX_BYTES;
      const matches = await queued(() => verify(against, fits ? password : ''));
      return kept !== null && fits && matches;
    },
  };
}

/** What one Argon2id hash costs. */
export interface HashingCost {
  readonly memoryKib: number;
  readonly passes: number;
  readonly lanes: number;
}
