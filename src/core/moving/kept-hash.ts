// Passwords that were imported here once and that an export gives out again: as everybody writes them where that says all of
// it, else as they rested here, by the scheme `holdfast`.
import { isWithinBounds } from '../credentials/imported/bounds.ts';
import { type ImportedHash, readImportedHash } from '../credentials/imported/imported-hash.ts';
import { parseRecipe, recipeText, secretOf } from '../credentials/imported/recipe.ts';
import { isWeak } from '../credentials/imported/weak.ts';
import type { PasswordFields } from './person.ts';

const KEPT_SCHEME = 'holdfast:';

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

/** The fields of a person, for any system to read; an import of them keeps the same. */
export function writeKeptHash(scheme: string, stored: string): PasswordFields {
  const usual = usualText(stored);
  for (const password_scheme of usual ? [scheme, usual.scheme] : []) {
    const fields = { password_scheme, password_hash: usual?.text };
    const read = readImportedHash(fields, {});
    if (read.kind === 'hash' && read.stored === stored) return fields;
  }
  return { password_scheme: `${KEPT_SCHEME}${scheme}`, password_hash: stored };
}

/** Of bcrypt, SHA-crypt and Argon2 over the password itself. */
function usualText(stored: string): { readonly scheme: string; readonly text: string } | null {
  const { steps, is } = parseRecipe(stored);
  const [only, ...more] = steps;
  if (more.length > 0) return null;
  if (typeof is !== 'string') return only ? null : { scheme: 'argon2', text: is.argon2 };
  const text = Buffer.from(is, 'base64').toString('utf8');
  if (only?.do === 'bcrypt') return { scheme: 'bcrypt', text };
  return only?.do === 'sha-crypt' ? { scheme: 'crypt', text } : null;
}
