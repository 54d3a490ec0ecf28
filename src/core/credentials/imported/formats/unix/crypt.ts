// crypt(3) and what prints its texts: shadow, htpasswd, OpenSSL, PHP's crypt(), Courier.
import { malformed } from '../../failure.ts';
import type { Recipe } from '../../recipe.ts';
import { itoa64Value } from '../../steps/itoa64.ts';
import { count, exactly, itoa64, utf8 } from '../bytes.ts';
import { match, type Reader, type Scheme, textOf, unsupported } from '../given.ts';
import { argon2, bcrypt, md5Crypt, ofText, power, recipe, scrypt } from '../recipes.ts';

const DES_BLOCK = 11;

/** @throws ImportedHashFailure malformed_hash */
export function shaCrypt(text: string): Recipe {
  const { setting = '', rounds } = match(
    /^(?<setting>\$[56]\$(?:rounds=(?<rounds>\d{1,15})\$)?[^$:\n]{0,16})\$(?<hash>[./A-Za-z0-9]{43}|[./A-Za-z0-9]{86})$/,
    text,
  );
  if (rounds !== undefined) count(rounds);
  if ((text.length - setting.length === 44) !== text.startsWith('$5$')) malformed();
  return ofText([{ do: 'sha-crypt', setting }], text);
}

/** @throws ImportedHashFailure malformed_hash */
export function md5CryptText(text: string): Recipe {
  const {
    magic = '',
    salt = '',
    hash = '',
  } = match(/^(?<magic>\$1\$|\$apr1\$)(?<salt>[^$:\n]{0,8})\$(?<hash>[./A-Za-z0-9]{22})$/, text);
  return md5Crypt(magic === '$1$' ? '$1$' : '$apr1$', salt, hash);
}

/** @throws ImportedHashFailure malformed_hash */
export function desCrypt(text: string): Recipe {
  if (!/^[./A-Za-z0-9]{13}$/.test(text)) malformed();
  return ofText([{ do: 'des-crypt', salt: text.slice(0, 2), big: false }], text);
}

/** @throws ImportedHashFailure malformed_hash */
export function bigCrypt(text: string): Recipe {
  if (!/^[./A-Za-z0-9]{13,178}$/.test(text) || (text.length - 2) % DES_BLOCK !== 0) malformed();
  return ofText([{ do: 'des-crypt', salt: text.slice(0, 2), big: true }], text);
}

/** 32 digits, or after `$3$$`. @throws ImportedHashFailure malformed_hash */
export function ntHash(text: string): Recipe {
  const { hash = '' } = match(/^(?:\$3\$\$|\$NT\$)?(?<hash>[0-9a-f]{32})$/i, text);
  return recipe([{ do: 'utf16le' }, { do: 'digest', of: 'md4' }], exactly(16, Buffer.from(hash, 'hex')), ['latin1']);
}

/** `$7$`, N, r, p and the salt as it stands. @throws ImportedHashFailure malformed_hash */
function scryptCrypt(text: string): Recipe {
  const { log = '', r = '', p = '', salt = '', hash = '' } = match(SCRYPT_PARTS, text);
  const key = itoa64(hash);
  return scrypt({ n: power(itoa64Value(log)), r: low(r), p: low(p) }, { salt: utf8(salt), key });
}

const SCRYPT = /^\$7\$[./A-Za-z0-9]{11}[^$:\n]{0,86}\$[./A-Za-z0-9]{43}$/;
const SCRYPT_PARTS =
  /^\$7\$(?<log>[./A-Za-z0-9])(?<r>[./A-Za-z0-9]{5})(?<p>[./A-Za-z0-9]{5})(?<salt>[^$:\n]{0,86})\$(?<hash>[./A-Za-z0-9]{43})$/;

/** Thirty bits, the lowest first. */
function low(text: string): number {
  const value = Array.from(text).reduce((sum, letter, i) => sum + itoa64Value(letter) * 64 ** i, 0);
  return value >= 1 ? value : malformed();
}

/** NetBSD's. @throws ImportedHashFailure malformed_hash */
function sha1Crypt(text: string): Recipe {
  const {
    iterations,
    salt = '',
    hash = '',
  } = match(/^\$sha1\$(?<iterations>\d+)\$(?<salt>[./A-Za-z0-9]{1,64})\$(?<hash>[./A-Za-z0-9]{28})$/, text);
  // Three bytes, highest first in their group; the last group's third is the first byte again.
  const raw = itoa64(hash);
  const digest = Buffer.alloc(21);
  for (let i = 0; i < 21; i += 3) for (let j = 0; j < 3; j += 1) digest[i + j] = raw[i + 2 - j] ?? 0;
  const step = { do: 'sha1-crypt', salt: utf8(salt), iterations: count(iterations) } as const;
  return recipe([step], exactly(20, digest.subarray(0, 20)));
}

/** Whatever crypt(3) prints, by its first letters. @throws ImportedHashFailure */
export function cryptText(text: string): Recipe {
  if (/^\$2[abxy]\$/.test(text)) return bcrypt(text);
  if (/^\$[56]\$/.test(text)) return shaCrypt(text);
  if (/^\$(1|apr1)\$/.test(text)) return md5CryptText(text);
  if (text.startsWith('$7$')) return scryptCrypt(text);
  if (text.startsWith('$sha1$')) return sha1Crypt(text);
  if (text.startsWith('$3$$')) return ntHash(text);
  if (text.startsWith('$argon2')) return argon2(text);
  if (NOT_SUPPORTED.test(text)) unsupportedText();
  return text.length === 13 ? desCrypt(text) : bigCrypt(text);
}

const NOT_SUPPORTED = /^(\$y\$|\$gy\$|\$md5[,$]|\$sm3\$|_[./A-Za-z0-9]{19}$)/;
const unsupportedText = (): never => unsupported({} as never) as never;

const read: Reader = (given) => cryptText(textOf(given));
const of =
  (reader: (text: string) => Recipe): Reader =>
  (given) =>
    reader(textOf(given));

/** AIX leaves the name away. */
const aix: Reader = (given) => {
  const { salt = '', hash = '' } = match(/^(?<salt>[^$:\n]{1,8})\$(?<hash>[./A-Za-z0-9]{22})$/, textOf(given));
  return md5Crypt('', salt, hash);
};

export const crypt: readonly Scheme[] = [
  {
    names: ['crypt:yescrypt', 'crypt:gost-yescrypt', 'crypt:sunmd5', 'crypt:bsdicrypt', 'dokuwiki:mysql'],
    read: unsupported,
    looks: NOT_SUPPORTED,
  },
  {
    names: ['passlib:bsdi_crypt', 'passlib:sun_md5_crypt', 'passlib:crypt16', 'passlib:ldap_bsdi_crypt'],
    read: unsupported,
  },
  {
    names: [
      'bcrypt',
      'crypt:bcrypt',
      'crypt:bcrypt-a',
      'htpasswd:-B',
      'php:bcrypt',
      'php:crypt-blowfish-2x',
      'php:crypt-blowfish-2a',
      'passlib:bcrypt',
      'pybcrypt:bcrypt',
      'flask-security:bcrypt',
      'flask-bcrypt:bcrypt',
      'keystone:bcrypt',
      'ruby:bcrypt',
      'rails:bcrypt',
      'devise:bcrypt',
      'laravel:bcrypt',
      'dokuwiki:bcrypt',
      'simplesaml:bcrypt',
      'bcrypt:bcrypt',
      'bcryptjs:bcrypt',
      'nodersbcrypt:bcrypt',
      'bcryptnodejs:bcrypt',
      'wordpress:phpass-bcrypt',
    ],
    read: of((text) => bcrypt(text)),
    looks: /^\$2[abxy]\$/,
  },
  {
    names: [
      'argon2',
      'argon2-cffi:argon2id',
      'argon2cli:*',
      'argon2npm:argon2id',
      'argon2npm:data',
      'passlib:argon2',
      'php:argon2i',
      'php:argon2id',
      'php:sodium',
      'symfony:sodium',
      'laravel:argon',
      'laravel:argon2id',
      'dokuwiki:argon2i',
      'dokuwiki:argon2id',
      'flask-security:argon2',
      'adonis:argon2id',
    ],
    read: of((text) => argon2(text)),
    looks: /^\$argon2/,
  },
  {
    names: [
      'crypt:sha512crypt',
      'crypt:sha256crypt',
      'htpasswd:-2',
      'htpasswd:-5',
      'openssl:-5',
      'openssl:-6',
      'php:crypt-sha512',
      'passlib:sha256_crypt',
      'passlib:sha512_crypt',
      'dokuwiki:sha256',
      'dokuwiki:sha512',
    ],
    read: of(shaCrypt),
    looks: /^\$[56]\$(rounds=\d+\$)?[^$:\n]{0,16}\$([./A-Za-z0-9]{43}|[./A-Za-z0-9]{86})$/,
  },
  {
    names: [
      'crypt:md5crypt',
      'htpasswd:-m',
      'openssl:-1',
      'openssl:-apr1',
      'passlib:md5_crypt',
      'passlib:apr_md5_crypt',
      'courier:md5crypt',
      'dokuwiki:smd5',
      'dokuwiki:apr1',
    ],
    read: of(md5CryptText),
    looks: /^\$(1|apr1)\$/,
  },
  { names: ['crypt:scrypt', 'pynacl:scryptsalsa', 'php:sodium_scrypt'], read: of(scryptCrypt), looks: SCRYPT },
  { names: ['passlib:sha1_crypt'], read: of(sha1Crypt), looks: /^\$sha1\$/ },
  { names: ['crypt:nt', 'passlib:bsd_nthash'], read: of(ntHash), looks: /^\$(3\$|NT)\$/ },
  { names: ['passlib:nthash'], read: of(ntHash) },
  { names: ['crypt:descrypt', 'htpasswd:-d', 'passlib:des_crypt', 'dokuwiki:crypt'], read: of(desCrypt) },
  { names: ['passlib:bigcrypt'], read: of(bigCrypt) },
  { names: ['openssl:-aixmd5'], read: aix },
  { names: ['crypt', 'htpasswd', 'openssl'], read },
];
