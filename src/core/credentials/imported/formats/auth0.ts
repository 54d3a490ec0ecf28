// `custom_password_hash`, the object of Auth0's import: any of a few algorithms, with where its salt stands.
import { ImportedHashFailure, malformed } from '../failure.ts';
import type { Digest, Piece, Recipe, Step } from '../recipe.ts';
import { base64, bytes, count, DIGEST_BYTES, digestNamed, exactly, hex, utf8 } from './bytes.ts';
import { type Fields, fields, text } from './given.ts';
import { pbkdf2Text } from './python/passlib.ts';
import { argon2, bcrypt, recipe, salted, scrypt } from './recipes.ts';
import { readLdap } from './unix/ldap.ts';

/** @throws ImportedHashFailure */
export function readAuth0(custom: Fields): Recipe {
  const algorithm = named(custom['algorithm'], '');
  const hash = fields(custom['hash']);
  const value = text(hash['value']);
  const salt = custom['salt'] === undefined ? null : fields(custom['salt']);
  const first = passwordSteps(custom['password']);
  switch (algorithm) {
    case 'argon2':
      return argon2(value, { first });
    case 'bcrypt':
      return bcrypt(value, { first });
    case 'ldap':
      return readLdap(value);
    case 'pbkdf2':
      return phcPbkdf2(value, first);
    case 'scrypt': {
      const cost = {
        n: count(custom['cost'] ?? 16_384),
        r: count(custom['blockSize'] ?? 8),
        p: count(custom['parallelization'] ?? 1),
      };
      return scrypt(cost, { salt: decoded(salt ?? malformed()), key: raw(hash) }, { first });
    }
    case 'hmac': {
      const of = digestNamed(text(hash['digest']));
      const steps: Step[] = [...first, ...joined(salt), { do: 'hmac', of, key: decoded(fields(hash['key'])) }];
      return recipe(steps, exactly(DIGEST_BYTES[of], raw(hash)));
    }
    case 'md4':
    case 'md5':
    case 'sha1':
    case 'sha256':
    case 'sha512':
      return digested(algorithm, { salt, key: raw(hash), first });
    default:
      throw new ImportedHashFailure('unknown_scheme');
  }
}

function digested(
  of: Digest,
  { salt, key, first }: { salt: Fields | null; key: Buffer; first: readonly Step[] },
): Recipe {
  return salted(of, { key }, { first: [...first, ...joined(salt)] });
}

/** Before the password unless it says `suffix`. */
function joined(salt: Fields | null): Step[] {
  if (salt === null) return [];
  const piece = decoded(salt);
  return [salt['position'] === 'suffix' ? { do: 'join', after: piece } : { do: 'join', before: piece }];
}

/** PHC, with or without names: `$pbkdf2-sha256$i=100000,l=32$salt$hash`. */
function phcPbkdf2(value: string, first: readonly Step[]): Recipe {
  const pattern = /^(\$pbkdf2(?:-sha\d+)?\$)i=(\d+)(?:,l=\d+)?\$(.+)$/;
  return pbkdf2Text(value.replace(pattern, '$1$2$$$3'), { first });
}

/** How the password is written before it is hashed. */
function passwordSteps(password: unknown): readonly Step[] {
  const encoding = password === undefined ? 'utf8' : named(fields(password)['encoding'], 'utf8');
  if (encoding === 'utf8' || encoding === 'ascii') return [];
  if (encoding === 'utf16le' || encoding === 'ucs2') return [{ do: 'utf16le' }];
  throw new ImportedHashFailure('unsupported_scheme');
}

function decoded(from: Fields): Piece {
  const value = text(from['value']);
  const encoding = named(from['encoding'], 'utf8');
  if (encoding === 'utf8' || encoding === 'ascii') return utf8(value);
  return bytes(encoding === 'hex' ? hex(value) : encoding === 'base64' ? base64(value) : malformed());
}

/** The hash itself, hex or base64. */
function raw(from: Fields): Buffer {
  const value = text(from['value']);
  return named(from['encoding'], 'hex') === 'base64' ? base64(value) : hex(value);
}

/** A word, in small letters. */
const named = (value: unknown, otherwise: string): string => text(value ?? otherwise).toLowerCase();
