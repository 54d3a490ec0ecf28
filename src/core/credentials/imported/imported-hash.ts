// Passwords that another system hashed: reads what it kept, and says what can be done with it.
// Checking one is the business of `threads.ts`.
import { parseArgon2 } from './argon2.ts';
import { isWithinBounds } from './bounds.ts';
import { ImportedHashFailure, type ImportedHashProblem, malformed } from './failure.ts';
import { readRecipe } from './formats/formats.ts';
import { type Recipe, recipeText, secretOf } from './recipe.ts';
import { hashConfig, type ImportSecrets, type NeededSecret, neededSecret } from './secrets.ts';
import { isWeak } from './weak.ts';

export type { ImportedHashProblem } from './failure.ts';
export type { ImportSecrets, NeededSecret } from './secrets.ts';
export { wrapWeak } from './weak.ts';

type Fields = Readonly<Record<string, unknown>>;

/** The fields of a person that are about the password. */
export interface ImportedPerson {
  readonly password_hash?: string | undefined;
  readonly password_scheme?: string | undefined;
  /** Where a system keeps several columns. */
  readonly password_columns?: Fields | undefined;
  /** Auth0's object. */
  readonly custom_password_hash?: Fields | undefined;
  /** Some systems hash the user's name; it is this where no column holds it. */
  readonly email?: string | undefined;
}

export type ImportedHash =
  | {
      readonly kind: 'hash';
      /** As declared, or the name of what was recognised. */
      readonly scheme: string;
      /** For the table; it describes itself. A weak one has to go through `wrapWeak` first. */
      readonly stored: string;
      readonly weak: boolean;
      readonly secret: NeededSecret | null;
    }
  /** Of our own kind: it goes straight to the account. */
  | { readonly kind: 'argon2id'; readonly scheme: string; readonly hash: string }
  /** A person without a password. */
  | { readonly kind: 'unusable' }
  | { readonly kind: 'error'; readonly code: ImportedHashProblem };

/** An account's own hash may cost this much; what costs more is checked as imported, in its threads. */
const OWN = { memoryKib: 128 * 1024, passes: 10, lanes: 8 } as const;

/** Says what a person's fields hold; without any it is a person without a password. Normalises nothing. */
export function readImportedHash(person: ImportedPerson, secrets: ImportSecrets): ImportedHash {
  try {
    return read(person, secrets);
  } catch (error) {
    if (error instanceof ImportedHashFailure) return { kind: 'error', code: error.code };
    throw error;
  }
}

function read(person: ImportedPerson, secrets: ImportSecrets): ImportedHash {
  const { password_hash: text, password_columns: columns = null, custom_password_hash: custom = null } = person;
  const fields = [text ?? null, columns, custom].filter((field) => field !== null);
  if (fields.length === 0) return { kind: 'unusable' };
  if (fields.length > 1) throw new ImportedHashFailure('both_password_fields');
  const found = readRecipe({
    text: text ?? null,
    columns,
    custom,
    scheme: person.password_scheme ?? null,
    email: person.email ?? null,
    hashConfig: () => hashConfig(secrets, columns),
  });
  if (found === 'unusable') return { kind: 'unusable' };
  const { recipe, scheme } = found;
  if (recipe.is === '') return { kind: 'unusable' }; // the password itself, and there is none
  if (!isWithinBounds(recipe)) throw new ImportedHashFailure('hash_parameters_out_of_bounds');
  if (isCutOff(recipe)) malformed();
  const hash = ownHash(recipe);
  if (hash) return { kind: 'argon2id', scheme, hash };
  const name = secretOf(recipe);
  const secret = name === null ? null : neededSecret(name, secrets, columns);
  return { kind: 'hash', scheme, stored: recipeText(recipe), weak: isWeak(recipe), secret };
}

/** Of a derived key: fewer would be right for other passwords too. No system keeps fewer. */
const LEAST_KEY_BYTES = 16;

function isCutOff({ steps }: Recipe): boolean {
  return steps.some((step) => 'length' in step && step.length < LEAST_KEY_BYTES);
}

/** The hash, where it is nothing but Argon2id as this system makes it. */
function ownHash({ forms, steps, is }: Recipe): string | null {
  if (typeof is !== 'object' || is.secret || forms || steps.length > 0) return null;
  const { kind, version, hasData, memoryKib, passes, lanes } = parseArgon2(is.argon2);
  const cheap = memoryKib <= OWN.memoryKib && passes <= OWN.passes && lanes <= OWN.lanes;
  return kind === 'id' && version === 19 && !hasData && cheap ? is.argon2 : null;
}
