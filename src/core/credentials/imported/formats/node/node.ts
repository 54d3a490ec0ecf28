// What JavaScript's own libraries keep, in one text.
import { malformed } from '../../failure.ts';
import type { Form, Step } from '../../recipe.ts';
import { toBcrypt64 } from '../../steps/bcrypt.ts';
import { base64, bytes, count, DIGEST_BYTES, digestNamed, exactly, hex, utf8 } from '../bytes.ts';
import { fields, json, match, type Reader, type Scheme, text, textOf } from '../given.ts';
import { bcrypt, pbkdf2, power, recipe, scrypt } from '../recipes.ts';

const NFKC: readonly Form[] = ['nfkc'];

/** Lucia, and what came of it: the salt as text, the password in NFKC. */
const lucia: Reader = (given) => {
  const { salt = '', key = '' } = match(/^(?:s2:)?(?<salt>[^:]+):(?<key>[0-9a-f]{128})$/, textOf(given));
  return scrypt({ n: 16_384, r: 16, p: 1 }, { salt: utf8(salt), key: hex(key) }, { forms: NFKC });
};

/** bcrypt's bytes in the usual base64. */
const adonisBcrypt: Reader = (given) => {
  const pattern = /^\$bcrypt\$v=(?<letter>97|98)\$r=(?<cost>\d{1,2})\$(?<salt>[^$]+)\$(?<hash>[^$]+)$/;
  const { letter, cost = '', salt = '', hash = '' } = match(pattern, textOf(given));
  if (base64(salt).length !== 16 || base64(hash).length !== 23) malformed();
  const setting = `$2${letter === '97' ? 'a' : 'b'}$${cost.padStart(2, '0')}$`;
  return bcrypt(setting + toBcrypt64(salt) + toBcrypt64(hash));
};

/** scrypt-kdf: a head, its checksum, and an HMAC of both under the second half of the key. */
const scryptKdf: Reader = (given) => {
  const all = base64(textOf(given));
  if (all.length !== 96 || all.toString('latin1', 0, 7) !== 'scrypt\0') malformed();
  const [n, r, p] = [power(all.readUInt8(7)), all.readUInt32BE(8), all.readUInt32BE(12)];
  if (r < 1 || p < 1) malformed();
  const steps: Step[] = [
    { do: 'scrypt', salt: bytes(all.subarray(16, 48)), n, r, p, length: 64 },
    { do: 'cut', from: 32, bytes: 32 },
    { do: 'hmac-key', of: 'sha256', data: bytes(all.subarray(0, 64)) },
  ];
  return recipe(steps, bytes(all.subarray(64)));
};

/** An HMAC over and over, keyed with the salt's text. */
const passwordHash: Reader = (given) => {
  const pattern = /^(?<digest>md5|sha1|sha256|sha512)\$(?<salt>[^$]+)\$(?<times>\d+)\$(?<key>[0-9a-f]+)$/;
  const { digest = '', salt = '', times, key = '' } = match(pattern, textOf(given));
  const of = digestNamed(digest);
  return recipe([{ do: 'hmac', of, key: utf8(salt), times: count(times) }], exactly(DIGEST_BYTES[of], hex(key)));
};

const hashAndSalt: Reader = (given) => {
  const pattern = /^pbkdf2\$(?<iterations>\d+)\$(?<key>[0-9a-f]+)\$(?<salt>[0-9a-f]+)$/;
  const { iterations, key = '', salt = '' } = match(pattern, textOf(given));
  return pbkdf2('sha1', count(iterations), { salt: bytes(hex(salt)), key: hex(key) });
};

/** Objects of JSON in one text. */
const apostrophe: Reader = (given) => {
  const { salt, hash, scrypt: cost } = json(textOf(given));
  const { cost: n, blockSize, parallelization } = fields(cost);
  const derived = { salt: bytes(base64(text(salt))), key: base64(text(hash)) };
  return scrypt({ n: count(n), r: count(blockSize), p: count(parallelization) }, derived);
};

const credential: Reader = (given) => {
  const { salt, hash, iterations } = json(textOf(given));
  return pbkdf2('sha1', count(iterations), { salt: utf8(text(salt)), key: base64(text(hash)) });
};

export const node: readonly Scheme[] = [
  {
    names: ['better-auth:scrypt', 'lucia:*', 'oslo:scrypt', 'better-auth', 'lucia', 'oslo'],
    read: lucia,
    looks: /^(s2:)?[0-9A-Za-z]{16,64}:[0-9a-f]{128}$/,
  },
  { names: ['adonis:bcrypt'], read: adonisBcrypt, looks: /^\$bcrypt\$v=/ },
  { names: ['medusa:scrypt-kdf'], read: scryptKdf, looks: /^c2NyeXB0A[A-Za-z0-9+/]{119}$/ },
  {
    names: ['password-hash:*', 'password-hash'],
    read: passwordHash,
    looks: /^(md5|sha(1|256|512))\$[^$]+\$\d+\$[0-9a-f]+$/,
  },
  { names: ['phas:pbkdf2'], read: hashAndSalt, looks: /^pbkdf2\$\d+\$[0-9a-f]+\$[0-9a-f]+$/ },
  { names: ['apostrophe:scrypt'], read: apostrophe, looks: /^\{.*"hashMethod":"scrypt"/ },
  { names: ['credential:pbkdf2'], read: credential, looks: /^\{.*"hashMethod":"pbkdf2"/ },
];
