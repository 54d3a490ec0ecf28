// How much work a value of another system may ask for. What asks for more is not taken in, and
// what rests in the database is checked again before it costs anything.
import { parseArgon2 } from './argon2.ts';
import { DIGEST_BYTES } from './formats/bytes.ts';
import type { Recipe, Step } from './recipe.ts';

const MIB = 1024 * 1024;
const ARGON2 = { memoryKib: 1024 * 1024, passes: 100, lanes: 64 } as const;
const SCRYPT_BYTES = 256 * MIB;
/** Of all lanes, which lie in memory at once beside that. */
const SCRYPT_LANE_BYTES = 16 * MIB;
const SCRYPT_LANES = 64;
const BCRYPT_COST = 16;
const ITERATIONS = 10_000_000;
/** What `credential` asks for grows with the year by itself, and is SHA-1. */
const SHA1_ITERATIONS = 20_000_000;
/** Of a key that is derived; no system keeps more than 512. */
const KEY_BYTES = 1024;
/** Of PBKDF2: each block of a long key takes all iterations. */
const BLOCK_ITERATIONS = 100_000_000;
const SHA_CRYPT_ROUNDS = 5_000;
const MD5_CRYPT_ROUNDS = 1_000;

/** Whether the work stays within what a log-in may cost. */
export function isWithinBounds({ steps, is }: Recipe): boolean {
  if (typeof is === 'object') {
    const { memoryKib, passes, lanes } = parseArgon2(is.argon2);
    if (memoryKib > ARGON2.memoryKib || passes > ARGON2.passes || lanes > ARGON2.lanes) return false;
  }
  return steps.reduce((sum, step) => sum + shareOf(step), 0) <= 1;
}

/** How much of what all steps may take together one of them takes. More than 1, or no number, is too much. */
function shareOf(step: Step): number {
  switch (step.do) {
    case 'pbkdf2':
      return shareOfPbkdf2(step);
    case 'scrypt': {
      const [bytes, laneBytes] = [128 * step.n * step.r, 128 * step.r * step.p];
      const fits = bytes <= SCRYPT_BYTES && laneBytes <= SCRYPT_LANE_BYTES && step.p <= SCRYPT_LANES;
      return fits && step.length <= KEY_BYTES
        ? (bytes * step.p) / (SCRYPT_BYTES * SCRYPT_LANES)
        : Number.POSITIVE_INFINITY;
    }
    case 'bcrypt':
      return 2 ** (Number(step.setting.slice(4, 6)) - BCRYPT_COST);
    case 'sha-crypt':
      return Number(/rounds=(\d+)/.exec(step.setting)?.[1] ?? SHA_CRYPT_ROUNDS) / ITERATIONS;
    case 'md5-crypt':
      return MD5_CRYPT_ROUNDS / ITERATIONS;
    case 'digest':
    case 'hmac':
      return (step.times ?? 0) / ITERATIONS;
    case 'stretch':
      return step.rounds / ITERATIONS;
    case 'sha1-crypt':
      return step.iterations / ITERATIONS;
    default:
      return 0;
  }
}

function shareOfPbkdf2({ of, iterations, length }: Extract<Step, { do: 'pbkdf2' }>): number {
  if (length > KEY_BYTES) return Number.POSITIVE_INFINITY;
  const blocks = Math.ceil(length / DIGEST_BYTES[of]);
  return Math.max(
    iterations / (of === 'sha1' ? SHA1_ITERATIONS : ITERATIONS),
    (iterations * blocks) / BLOCK_ITERATIONS,
  );
}
