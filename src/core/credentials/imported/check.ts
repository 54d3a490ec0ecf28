// Whether a password is the one of a recipe.
import { timingSafeEqual } from 'node:crypto';
import { verifySync } from '@node-rs/argon2';
import { isWithinBounds } from './bounds.ts';
import { formsOf } from './forms.ts';
import { parseRecipe, type Recipe } from './recipe.ts';
import { derive } from './steps/derive.ts';

export interface Checking {
  readonly stored: string;
  readonly typed: string;
  /** The file's secret that the recipe names. */
  readonly secret: string | null;
}

/**
 * Blocks the thread for as long as the work takes.
 * @throws Error where the stored text is no recipe, asks for too much, or its secret is missing
 */
export function check({ stored, typed, secret }: Checking): boolean {
  const recipe = parseRecipe(stored);
  if (!isWithinBounds(recipe)) throw new Error('the stored hash asks for too much work');
  const key = secret === null ? null : secretBytes(recipe, secret);
  return formsOf(typed, recipe.forms).some((form) =>
    isSame(derive(Buffer.from(form), recipe.steps, key), recipe.is, key),
  );
}

/** Firebase's key is written as base64. */
function secretBytes({ steps }: Recipe, secret: string): Buffer {
  return Buffer.from(secret, steps.some((step) => step.do === 'aes-256-ctr') ? 'base64' : 'utf8');
}

function isSame(made: Buffer, is: Recipe['is'], secret: Buffer | null): boolean {
  if (typeof is === 'object') {
    // It takes bytes that are no UTF-8 for a fault: `wrapWeak` gives it hex.
    return verifySync(is.argon2, made, is.secret && secret ? { secret } : undefined);
  }
  const expected = Buffer.from(is, 'base64');
  return made.length === expected.length && timingSafeEqual(made, expected);
}
