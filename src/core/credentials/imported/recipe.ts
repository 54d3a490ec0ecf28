// How a password of another system becomes the value that was kept of it: a row of steps over
// bytes, and what must come out. One recipe describes any scheme, so one small machine checks all.
import * as z from 'zod';

export const DIGESTS = ['md4', 'md5', 'sha1', 'sha224', 'sha256', 'sha384', 'sha512', 'ripemd160'] as const;
export type Digest = (typeof DIGESTS)[number];

/** What belongs to a whole file of hashes, not to a person. */
export const SECRET_NAMES = ['pepper', 'application_salt', 'signer_key'] as const;
export type SecretName = (typeof SECRET_NAMES)[number];

/** The forms in which other systems hash what was typed, beside the bytes themselves. */
export const FORMS = ['nfc', 'nfkc', 'saslprep', 'trim', 'slashes', 'html', 'latin1'] as const;
export type Form = (typeof FORMS)[number];

const digest = z.enum(DIGESTS);
const count = z.int().min(1);
const base64 = z.string().regex(/^[A-Za-z0-9+/]*=*$/);
/** Bytes; or the file's secret, after bytes. */
const piece = z.union([base64, z.strictObject({ before: base64.optional(), secret: z.enum(SECRET_NAMES) })]);
export type Piece = z.infer<typeof piece>;

const step = z.discriminatedUnion('do', [
  /** before ‖ x ‖ after. */
  z.strictObject({ do: z.literal('join'), before: piece.optional(), after: piece.optional() }),
  z.strictObject({ do: z.literal('cut'), from: z.int().min(0).optional(), bytes: count }),
  z.strictObject({ do: z.literal('text'), as: z.enum(['hex', 'base64', 'itoa64']) }),
  /** Of UTF-8. */
  z.strictObject({ do: z.literal('utf16le') }),
  /** Symfony: what bcrypt would cut becomes base64 of its SHA-512. */
  z.strictObject({ do: z.literal('fit-bcrypt') }),
  z.strictObject({ do: z.literal('digest'), of: digest, times: count.optional() }),
  /** H(salt ‖ x), then `rounds` times H(that ‖ x): phpass, Symfony. */
  z.strictObject({ do: z.literal('stretch'), of: digest, salt: base64, rounds: count }),
  /** Over and over of the last one's hex where `times` says so. */
  z.strictObject({ do: z.literal('hmac'), of: digest, key: piece, times: count.optional() }),
  /** x is the key. */
  z.strictObject({ do: z.literal('hmac-key'), of: digest, data: piece }),
  z.strictObject({ do: z.literal('pbkdf2'), of: digest, salt: piece, iterations: count, length: count }),
  z.strictObject({ do: z.literal('scrypt'), salt: piece, n: count, r: count, p: count, length: count }),
  /** crypt(3): `setting` is all but the hash; the text comes out. */
  z.strictObject({ do: z.literal('bcrypt'), setting: z.string() }),
  z.strictObject({ do: z.literal('sha-crypt'), setting: z.string() }),
  z.strictObject({ do: z.literal('md5-crypt'), magic: z.enum(['$1$', '$apr1$', '']), salt: base64 }),
  z.strictObject({ do: z.literal('sha1-crypt'), salt: base64, iterations: count }),
  z.strictObject({ do: z.literal('des-crypt'), salt: z.string().length(2), big: z.boolean() }),
  /** The states that HMAC-MD5 starts from. */
  z.strictObject({ do: z.literal('cram-md5') }),
  /** The data, encrypted under x. */
  z.strictObject({ do: z.literal('aes-256-ctr'), data: piece }),
]);
export type Step = z.infer<typeof step>;

const recipe = z.strictObject({
  forms: z.array(z.enum(FORMS)).optional(),
  steps: z.array(step),
  /** What comes out; as Argon2 (PHC), which checks it, or as bytes. */
  is: z.union([
    z.strictObject({ argon2: z.string(), secret: z.enum(SECRET_NAMES).optional() }),
    base64.regex(/^[^=]{2}/),
  ]),
});
export type Recipe = z.infer<typeof recipe>;

/** The text that rests in the database. */
export const recipeText = (made: Recipe): string => JSON.stringify(made);

/** @throws Error where the text is no recipe */
export function parseRecipe(text: string): Recipe {
  return recipe.parse(JSON.parse(text));
}

/** Which of the file's secrets it needs; null if none. */
export function secretOf({ steps, is }: Recipe): SecretName | null {
  for (const part of [is, ...steps.flatMap((one) => Object.values(one))]) {
    if (typeof part === 'object' && part?.secret) return part.secret;
  }
  return null;
}
