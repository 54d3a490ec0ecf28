// What is cheap to guess does not rest here as it came.
import { hash } from '@node-rs/argon2';
import { parseRecipe, type Recipe, recipeText } from './recipe.ts';

/** Whoever steals a value of fewer tries all common passwords in no time. */
const FEW_ROUNDS = 1_000;

/** Whether nothing slow is in it: one digest or a few, DES, md5-crypt, the password itself. */
export function isWeak({ steps, is }: Recipe): boolean {
  if (typeof is === 'object') return false;
  return steps.every((step) => {
    switch (step.do) {
      case 'bcrypt':
      case 'scrypt':
      case 'sha-crypt':
        return false;
      case 'pbkdf2':
      case 'sha1-crypt':
        return step.iterations < FEW_ROUNDS;
      case 'digest':
      case 'hmac':
        return (step.times ?? 1) < FEW_ROUNDS;
      case 'stretch':
        return step.rounds < FEW_ROUNDS;
      default:
        return true;
    }
  });
}

/**
 * The same recipe, whose last value is only there as Argon2id: a log-in computes the old value from the password and
 * compares that. Runs in libuv's threads, for some ten milliseconds; call it for several at once.
 */
export async function wrapWeak(
  stored: string,
  cost: { readonly memoryKib: number; readonly passes: number; readonly lanes: number },
): Promise<string> {
  const { is, steps, ...recipe } = parseRecipe(stored);
  if (typeof is === 'object') return stored;
  const options = { algorithm: 2, memoryCost: cost.memoryKib, timeCost: cost.passes, parallelism: cost.lanes };
  const argon2 = await hash(Buffer.from(is, 'base64').toString('hex'), options);
  return recipeText({ ...recipe, steps: [...steps, { do: 'text', as: 'hex' }], is: { argon2 } });
}
