// `{SCHEME}value` of LDAP: OpenLDAP, and whoever took it over (RFC 2307).
import { malformed } from '../../failure.ts';
import type { Digest, Recipe } from '../../recipe.ts';
import { ab64, base64, bytes, count, DIGEST_BYTES, digestNamed, hex } from '../bytes.ts';
import { match, type Scheme, textOf } from '../given.ts';
import { argon2, md5Crypt, ofText, pbkdf2, salted } from '../recipes.ts';
import { cryptText } from './crypt.ts';

const SCHEME = /^\{(?<name>[A-Za-z0-9.-]+)\}(?<value>.*)$/s;

/** base64 of digest ‖ salt; unsalted ones also as hex. @throws ImportedHashFailure malformed_hash */
export function digestAndSalt(of: Digest, value: string): Recipe {
  const length = DIGEST_BYTES[of];
  const all = value.length === 2 * length && /^[0-9a-f]+$/i.test(value) ? hex(value) : base64(value);
  if (all.length < length) malformed();
  const salt = all.subarray(length);
  return salted(of, { key: all.subarray(0, length), ...(salt.length > 0 && { after: bytes(salt) }) });
}

function openLdapPbkdf2(of: Digest, value: string): Recipe {
  const { iterations, salt = '', key = '' } = match(/^(?<iterations>\d+)\$(?<salt>[^$]+)\$(?<key>[^$]+)$/, value);
  return pbkdf2(of, count(iterations), { salt: bytes(ab64(salt)), key: ab64(key) });
}

/** Without a scheme it is the password itself (RFC 2307). @throws ImportedHashFailure */
export function readLdap(text: string): Recipe {
  if (!text.startsWith('{')) return ofText([], text);
  const { name = '', value = '' } = match(SCHEME, text);
  const upper = name.toUpperCase();
  if (upper === 'CRYPT') return cryptText(value);
  if (upper === 'ARGON2') return argon2(value);
  if (upper === 'CLEARTEXT' || upper === 'PLAINTEXT') return ofText([], value);
  if (upper === 'APR1' || upper === 'BSDMD5') {
    const all = base64(value);
    return md5Crypt(upper === 'APR1' ? '$apr1$' : '$1$', all.subarray(16).toString(), all.subarray(0, 16));
  }
  const { derived } = /^PBKDF2(?:-(?<derived>SHA\d+))?$/.exec(upper)?.groups ?? {};
  if (upper.startsWith('PBKDF2')) return openLdapPbkdf2(derived ? digestNamed(derived) : 'sha1', value);
  const { digest = '' } = match(/^S?(?<digest>MD5|SHA\d*)$/, upper);
  return digestAndSalt(digestNamed(digest), value);
}

export const ldap: readonly Scheme[] = [
  {
    names: [
      'ldap:*',
      'ldap',
      'passlib:ldap_bcrypt',
      'passlib:ldap_des_crypt',
      'passlib:ldap_hex_md5',
      'passlib:ldap_hex_sha1',
      'passlib:ldap_md5',
      'passlib:ldap_md5_crypt',
      'passlib:ldap_pbkdf2_*',
      'passlib:ldap_salted_*',
      'passlib:ldap_sha*',
      'passlib:roundup_plaintext',
      'htpasswd:-s',
      'dokuwiki:lsmd5',
      'dokuwiki:ssha',
      'simplesaml:SSHA256',
      'simplesaml:SSHA512',
      'simplesaml:SHA1',
    ],
    read: (given) => readLdap(textOf(given)),
    looks: /^\{(CRYPT|ARGON2|CLEARTEXT|APR1|BSDMD5|PBKDF2-SHA\d+|SMD5|S?SHA\d*)\}/i,
  },
];
