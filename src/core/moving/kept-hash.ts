// Passwords that were imported here once and that an export gives out again, as they rested here: the scheme `holdfast`.
import { isWithinBounds } from '../credentials/imported/bounds.ts';
import type { ImportedHash } from '../credentials/imported/imported-hash.ts';
import { parseRecipe, recipeText, secretOf } from '../credentials/imported/recipe.ts';
import { isWeak } from '../credentials/imported/weak.ts';
import type { PasswordFields } from './person.ts';

export const KEPT_SCHEME = 'holdfast:';

/** Null where the password is written in another way. */
export function readKeptHash(fields: PasswordFields): ImportedHash | null {
  const { password_hash: text, password_scheme } = fields;
  if (!password_scheme?.startsWith(KEPT_SCHEME) || text === undefined) return null;
  const scheme = password_scheme.slice(KEPT_SCHEME.length);
  try {
    const recipe = parseRecipe(text);
    if (!isWithinBounds(recipe)) return { kind: 'error', code: 'hash_parameters_out_of_bounds' };
    if (secretOf(recipe) !== null) return { kind: 'error', code: 'missing_secret' };
    return { kind: 'hash', scheme, stored: recipeText(recipe), weak: isWeak(recipe), secret: null };
  } catch {
    return { kind: 'error', code: 'malformed_hash' };
  }
}
