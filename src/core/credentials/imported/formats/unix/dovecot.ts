// Dovecot's `{SCHEME}value`: more schemes than LDAP's, some of the same name, each also as hex.
import { malformed } from '../../failure.ts';
import type { Recipe, Step } from '../../recipe.ts';
import { base64, bytes, count, digestNamed, exactly, hex, utf8 } from '../bytes.ts';
import { type Given, match, type Reader, type Scheme, textOf } from '../given.ts';
import { argon2, ofText, pbkdf2, recipe, salted, scram } from '../recipes.ts';
import { cryptText, md5CryptText } from './crypt.ts';
import { digestAndSalt } from './ldap.ts';

const TEXT = /^\{(?<name>[A-Za-z0-9-]+)(?:\.(?<coding>HEX|B64|BASE64|hex|b64|base64))?\}(?<value>.*)$/s;

const read: Reader = (given) => {
  const { name = '', coding, value = '' } = match(TEXT, textOf(given));
  const scheme = name.toUpperCase();
  if (/^(CRYPT|BLF-CRYPT|SHA256-CRYPT|SHA512-CRYPT|DES-CRYPT)$/.test(scheme)) return cryptText(value);
  if (scheme === 'MD5-CRYPT' || (scheme === 'MD5' && value.startsWith('$1$'))) return md5CryptText(value);
  if (scheme.startsWith('ARGON2')) return argon2(value);
  if (/^(PLAIN|CLEAR|CLEARTEXT)$/.test(scheme)) return ofText([], value);
  if (scheme === 'PBKDF2') return ownPbkdf2(value);
  if (scheme.startsWith('SCRAM-')) return ownScram(scheme.slice('SCRAM-'.length), value);
  const raw = coded(value, coding?.toUpperCase());
  if (scheme === 'CRAM-MD5' || scheme === 'HMAC-MD5') return recipe([{ do: 'cram-md5' }], exactly(32, raw));
  if (scheme === 'DIGEST-MD5') return digestMd5(raw, given);
  const { digest = '' } = match(/^(?:S|PLAIN-|LDAP-)?(?<digest>MD4|MD5|SHA\d*)$/, scheme);
  return digestAndSalt(digestNamed(digest), bytes(raw));
};

/** Hex where it can be: the digests' own lengths tell. */
function coded(value: string, coding: string | undefined): Buffer {
  if (coding === 'HEX') return hex(value);
  if (coding === undefined && /^([0-9a-f]{32}|[0-9a-f]{64})$/i.test(value)) return hex(value);
  return base64(value);
}

/** The salt as it stands. */
function ownPbkdf2(value: string): Recipe {
  const pattern = /^\$1\$(?<salt>[^$]+)\$(?<iterations>\d+)\$(?<key>[0-9a-f]+)$/i;
  const { salt = '', iterations, key = '' } = match(pattern, value);
  return pbkdf2('sha1', count(iterations), { salt: utf8(salt), key: hex(key) });
}

/** Without SASLprep. */
function ownScram(digest: string, value: string): Recipe {
  const pattern = /^(?<iterations>\d+),(?<salt>[^,]+),(?<stored>[^,]+),[^,]+$/;
  const { iterations, salt = '', stored = '' } = match(pattern, value);
  return scram(digestNamed(digest), count(iterations), { salt: bytes(base64(salt)), key: base64(stored) }, []);
}

/** md5(user:realm:password). */
function digestMd5(key: Buffer, { columns, email }: Given): Recipe {
  const name = columns?.['username'] ?? email;
  if (typeof name !== 'string') return malformed();
  const [user = '', realm = ''] = name.split('@');
  const first: Step = { do: 'join', before: utf8(`${user}:${realm}:`) };
  return salted('md5', { key }, { first: [first] });
}

export const dovecot: readonly Scheme[] = [
  {
    names: ['dovecot:*', 'dovecot'],
    read,
    looks:
      /^\{(PLAIN-MD[45]|LDAP-MD5|BLF-CRYPT|(SHA256|SHA512|MD5|DES)-CRYPT|ARGON2I?D?|SCRAM-SHA-\d+|CRAM-MD5|HMAC-MD5|DIGEST-MD5|(S?SHA\d*|PLAIN-MD[45])\.(HEX|B64))\}/i,
  },
];
