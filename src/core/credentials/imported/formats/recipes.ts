// Recipes that more than one system has.
import { parseArgon2 } from '../argon2.ts';
import { ImportedHashFailure, malformed } from '../failure.ts';
import type { Digest, Form, Piece, Recipe, SecretName, Step } from '../recipe.ts';
import { MD5_CRYPT_ORDER } from '../steps/itoa64.ts';
import { bytes, DIGEST_BYTES, exactly, itoa64, utf8 } from './bytes.ts';

export interface Around {
  readonly forms?: readonly Form[];
  /** What happens to the password first. */
  readonly first?: readonly Step[];
}

export function recipe(steps: readonly Step[], is: Recipe['is'], forms?: readonly Form[]): Recipe {
  return { ...(forms && { forms: [...forms] }), steps: [...steps], is };
}

/** A text that comes out of the last step. */
export const ofText = (steps: readonly Step[], text: string, forms?: readonly Form[]): Recipe =>
  recipe(steps, utf8(text), forms);

export function argon2(phc: string, { forms, first = [] }: Around = {}, secret?: SecretName): Recipe {
  return recipe(first, { argon2: parseArgon2(phc).text, ...(secret && { secret }) }, forms);
}

/** @throws ImportedHashFailure malformed_hash */
export function bcrypt(text: string, { forms, first = [] }: Around = {}): Recipe {
  if (!/^\$2[abxy]\$\d\d\$[./A-Za-z0-9]{53}$/.test(text)) malformed();
  if (Number(text.slice(4, 6)) < 4) malformed();
  return ofText([...first, { do: 'bcrypt', setting: text.slice(0, 29) }], text, forms);
}

export interface Derived {
  readonly salt: Piece;
  readonly key: Buffer;
}

/** @throws ImportedHashFailure malformed_hash */
export function pbkdf2(
  of: Digest,
  iterations: number,
  { salt, key }: Derived,
  { forms, first = [] }: Around = {},
): Recipe {
  if (key.length === 0) malformed();
  return recipe([...first, { do: 'pbkdf2', of, salt, iterations, length: key.length }], bytes(key), forms);
}

export interface ScryptCost {
  readonly n: number;
  readonly r: number;
  readonly p: number;
}

/** @throws ImportedHashFailure malformed_hash */
export function scrypt({ n, r, p }: ScryptCost, { salt, key }: Derived, { forms, first = [] }: Around = {}): Recipe {
  if (key.length === 0) malformed();
  if (n < 2 || !Number.isInteger(Math.log2(n))) malformed();
  return recipe([...first, { do: 'scrypt', salt, n, r, p, length: key.length }], bytes(key), forms);
}

/** 2^`log`. @throws ImportedHashFailure hash_parameters_out_of_bounds */
export function power(log: number): number {
  if (log > 40) throw new ImportedHashFailure('hash_parameters_out_of_bounds');
  return 2 ** log;
}

/** H(before ‖ password ‖ after). @throws ImportedHashFailure malformed_hash */
export function salted(
  of: Digest,
  { before, after, key }: { before?: Piece; after?: Piece; key: Buffer },
  { forms, first = [] }: Around = {},
): Recipe {
  const join: Step[] =
    before === undefined && after === undefined
      ? []
      : [{ do: 'join', ...(before !== undefined && { before }), ...(after !== undefined && { after }) }];
  return recipe([...first, ...join, { do: 'digest', of }], exactly(DIGEST_BYTES[of], key), forms);
}

/** The text of 22 characters, or its digest in order. */
export function md5Crypt(magic: '$1$' | '$apr1$' | '', salt: string, hash: string | Buffer): Recipe {
  const digest = typeof hash === 'string' ? inOrder(itoa64(hash)) : hash;
  return recipe([{ do: 'md5-crypt', magic, salt: utf8(salt) }], exactly(16, digest));
}

function inOrder(text: Buffer): Buffer {
  const digest = Buffer.alloc(16);
  for (const [i, at] of MD5_CRYPT_ORDER.entries()) digest[at] = text[i] ?? 0;
  return digest;
}

/** SCRAM (RFC 5802): H(HMAC(PBKDF2(password), "Client Key")). */
export function scram(
  of: Digest,
  iterations: number,
  { salt, key }: Derived,
  forms: readonly Form[] = ['saslprep'],
): Recipe {
  const length = DIGEST_BYTES[of];
  const steps: Step[] = [
    { do: 'pbkdf2', of, salt, iterations, length },
    { do: 'hmac-key', of, data: utf8('Client Key') },
    { do: 'digest', of },
  ];
  return recipe(steps, exactly(length, key), forms.length > 0 ? forms : undefined);
}

export const step = {
  digest: (of: Digest): Step => ({ do: 'digest', of }),
  hex: { do: 'text', as: 'hex' },
  base64: { do: 'text', as: 'base64' },
} as const satisfies Record<string, Step | ((of: Digest) => Step)>;
