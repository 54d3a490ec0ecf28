// Spring Security's delegating encoder: `{id}value`, with parameters that the id implies.
import { malformed } from '../../failure.ts';
import type { Piece, Recipe, SecretName, Step } from '../../recipe.ts';
import { base64, bytes, DIGEST_BYTES, digestNamed, exactly, hex, utf8 } from '../bytes.ts';
import { match, type Scheme, textOf } from '../given.ts';
import { argon2, bcrypt, ofText, pbkdf2, recipe, salted, scrypt } from '../recipes.ts';
import { readLdap } from '../unix/ldap.ts';

const TEXT = /^\{(?<id>[A-Za-z0-9-]+)(?:@SpringSecurity_(?<since>v5_8))?\}(?<value>.*)$/s;
const STANDARD = { rounds: 1_024, salt: 8 } as const;

function read(text: string): Recipe {
  const { id = '', since, value = '' } = match(TEXT, text);
  switch (id.toLowerCase()) {
    case 'bcrypt':
      return bcrypt(value);
    case 'argon2':
      return argon2(value);
    case 'noop':
      return ofText([], value);
    case 'ldap':
      return readLdap(value);
    case 'scrypt':
      return scryptText(value);
    case 'sha256':
      return standard(value);
    case 'pbkdf2': {
      const all = hex(value);
      if (since) return derived('sha256', 310_000, all, 16);
      return derived('sha1', 185_000, all, 8);
    }
    default:
      return messageDigest(id, value);
  }
}

/** The salt, then the key; the encoder's secret goes after the salt. */
function derived(
  of: 'sha1' | 'sha256' | 'sha512',
  iterations: number,
  all: Buffer,
  length: number,
  secret?: SecretName,
) {
  const salt = bytes(all.subarray(0, length));
  const piece: Piece = secret ? { before: salt, secret } : salt;
  return pbkdf2(of, iterations, { salt: piece, key: all.subarray(length) });
}

/** The parameters are one number: the logarithm of N, r and p. */
function scryptText(value: string): Recipe {
  const { cost = '', salt = '', key = '' } = match(/^\$(?<cost>[0-9a-f]{1,8})\$(?<salt>[^$]+)\$(?<key>[^$]+)$/i, value);
  const number = Number.parseInt(cost, 16);
  const [log, r, p] = [Math.floor(number / 65_536), (number >> 8) & 255, number & 255];
  if (log > 32 || r < 1 || p < 1) malformed();
  return scrypt({ n: 2 ** log, r, p }, { salt: bytes(base64(salt)), key: base64(key) });
}

/** StandardPasswordEncoder. */
function standard(value: string, secret?: SecretName): Recipe {
  const all = hex(value);
  const salt = bytes(all.subarray(0, STANDARD.salt));
  const steps: Step[] = [
    { do: 'join', before: secret ? { before: salt, secret } : salt },
    { do: 'digest', of: 'sha256', times: STANDARD.rounds },
  ];
  return recipe(steps, exactly(DIGEST_BYTES.sha256, all.subarray(STANDARD.salt)));
}

/** The braces belong to the salt. */
function messageDigest(id: string, value: string): Recipe {
  const { salt = '', key = '' } = match(/^(?<salt>\{[^}]*\})?(?<key>[0-9a-f]+)$/i, value);
  return salted(digestNamed(id), { ...(salt !== '' && { after: utf8(salt) }), key: hex(key) });
}

export const spring: readonly Scheme[] = [
  {
    names: ['spring:*', 'spring'],
    read: (given) => read(textOf(given)),
    looks:
      /^\{(bcrypt|noop|ldap|argon2(@\w+)?|scrypt(@\w+)?|pbkdf2(@SpringSecurity_v5_8))\}|^\{sha256\}[0-9a-f]{80}$|^\{(MD[45]|SHA-(1|256))\}(\{|[0-9a-f]+$)/,
  },
  {
    names: ['spring:pbkdf2-secret'],
    read: (given) => {
      const value = textOf(given);
      return derived('sha512', 310_000, /^[0-9a-f]+$/.test(value) ? hex(value) : base64(value), 16, 'pepper');
    },
  },
  {
    names: ['spring:sha256-secret'],
    read: (given) => standard(textOf(given).replace(/^\{sha256\}/, ''), 'pepper'),
  },
];
