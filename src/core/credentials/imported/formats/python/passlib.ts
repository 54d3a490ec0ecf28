// passlib's own formats, which Odoo and Keystone have too.
import { malformed } from '../../failure.ts';
import type { Recipe, Step } from '../../recipe.ts';
import { ab64, base64, base64url, bytes, count, DIGEST_BYTES, digestNamed, exactly, hex, utf8 } from '../bytes.ts';
import { match, type Scheme, textOf } from '../given.ts';
import { type Around, bcrypt, ofText, pbkdf2, power, recipe, salted, scrypt, step } from '../recipes.ts';

/** `$pbkdf2-sha512$iterations$salt$key`. @throws ImportedHashFailure malformed_hash */
export function pbkdf2Text(text: string, around: Around = {}): Recipe {
  const pattern = /^\$pbkdf2(?:-(?<digest>sha\d+))?\$(?<iterations>\d+)\$(?<salt>[^$]*)\$(?<key>[^$]+)$/;
  const { digest = 'sha1', iterations, salt = '', key = '' } = match(pattern, text);
  const raw = salt === '' ? '' : bytes(ab64(salt));
  return pbkdf2(digestNamed(digest), count(iterations), { salt: raw, key: ab64(key) }, around);
}

/** `ln` is the logarithm; AdonisJS writes `n`, and base64 with its plus. */
function scryptText(text: string): Recipe {
  const pattern = /^\$scrypt\$(?:ln=(?<ln>\d+)|n=(?<n>\d+)),r=(?<r>\d+),p=(?<p>\d+)\$(?<salt>[^$]*)\$(?<key>[^$]+)$/;
  const { ln, n, r, p, salt = '', key = '' } = match(pattern, text);
  const cost = { n: n === undefined ? power(Number(ln)) : count(n), r: count(r), p: count(p) };
  return scrypt(cost, { salt: bytes(base64(salt)), key: base64(key) });
}

/** Before version 2 a plain digest, since then an HMAC keyed with the salt's text. */
function bcryptSha256(text: string): Recipe {
  const pattern =
    /^\$bcrypt-sha256\$(?:(?<v2>v=2,t=)?(?<letter>2[ab]),(?:r=)?(?<cost>\d{1,2}))\$(?<salt>[./A-Za-z0-9]{22})\$(?<hash>[./A-Za-z0-9]{31})$/;
  const { v2, letter, cost = '', salt = '', hash } = match(pattern, text);
  const first: Step = v2 ? { do: 'hmac', of: 'sha256', key: utf8(salt) } : step.digest('sha256');
  return bcrypt(`$${letter}$${cost.padStart(2, '0')}$${salt}${hash}`, { first: [first, step.base64] });
}

/** Atlassian's: 16 bytes of salt, then the key. */
function pkcs5s2(text: string): Recipe {
  const all = base64(match(/^\{PKCS5S2\}(?<value>.+)$/, text)['value'] ?? '');
  return pbkdf2('sha1', 10_000, { salt: bytes(all.subarray(0, 16)), key: all.subarray(16) });
}

/** Two systems under one name: of the salt's bytes, or of all the text before the key. */
function p5k2(text: string): Recipe {
  const pattern = /^(?<setting>\$p5k2\$(?<rounds>[0-9a-f]{0,8})\$(?<salt>[^$]+))\$(?<key>[^$]+)$/;
  const { setting = '', rounds = '', salt = '', key = '' } = match(pattern, text);
  const iterations = rounds === '' ? 400 : Number.parseInt(rounds, 16) || malformed();
  if (/=$/.test(key)) return pbkdf2('sha1', iterations, { salt: bytes(base64url(salt)), key: base64url(key) });
  return pbkdf2('sha1', iterations, { salt: utf8(setting), key: ab64(key) });
}

function grub(text: string): Recipe {
  const pattern = /^grub\.pbkdf2\.(?<digest>sha\d+)\.(?<iterations>\d+)\.(?<salt>[0-9A-F]+)\.(?<key>[0-9A-F]+)$/i;
  const { digest = '', iterations, salt = '', key = '' } = match(pattern, text);
  return pbkdf2(digestNamed(digest), count(iterations), { salt: bytes(hex(salt)), key: hex(key) });
}

/** The password comes before the salt, and is hashed over and over. */
function fshp(text: string): Recipe {
  const pattern = /^\{FSHP(?<variant>[0-3])\|(?<length>\d{1,3})\|(?<rounds>\d+)\}(?<value>.+)$/;
  const { variant, length, rounds, value = '' } = match(pattern, text);
  const of = (['sha1', 'sha256', 'sha384', 'sha512'] as const)[Number(variant)] ?? malformed();
  const all = base64(value);
  const [salt, key] = [all.subarray(0, Number(length)), all.subarray(Number(length))];
  const steps: Step[] = [
    { do: 'join', before: bytes(salt) },
    { do: 'digest', of, times: count(rounds) },
  ];
  return recipe(steps, exactly(DIGEST_BYTES[of], key));
}

/** Of several digests the strongest; what is kept is the salted password itself. */
function scramText(text: string): Recipe {
  const {
    iterations,
    salt = '',
    keys = '',
  } = match(/^\$scram\$(?<iterations>\d+)\$(?<salt>[^$]+)\$(?<keys>[^$]+)$/, text);
  const strongest = keys
    .split(',')
    .map((key) => key.split('='))
    .sort()
    .at(-1);
  const [name = '', value = ''] = strongest ?? [];
  const of = digestNamed(name);
  if (ab64(value).length !== DIGEST_BYTES[of]) malformed();
  return pbkdf2(of, count(iterations), { salt: bytes(ab64(salt)), key: ab64(value) }, { forms: ['saslprep'] });
}

const hexDigest =
  (name: string): Scheme['read'] =>
  (given) =>
    salted(digestNamed(name), { key: hex(textOf(given)) });
const of =
  (reader: (text: string) => Recipe): Scheme['read'] =>
  (given) =>
    reader(textOf(given));

export const passlib: readonly Scheme[] = [
  {
    names: ['passlib:pbkdf2_*', 'odoo:pbkdf2_sha512', 'odoo', 'keystone:pbkdf2_sha512', 'flask-security:pbkdf2_sha512'],
    read: of((text) => pbkdf2Text(text)),
    looks: /^\$pbkdf2(-sha\d+)?\$\d/,
  },
  { names: ['passlib:scrypt', 'keystone:scrypt', 'adonis:scrypt'], read: of(scryptText), looks: /^\$scrypt\$(ln|n)=/ },
  { names: ['passlib:bcrypt_sha256'], read: of(bcryptSha256), looks: /^\$bcrypt-sha256\$/ },
  { names: ['passlib:atlassian_pbkdf2_sha1'], read: of(pkcs5s2), looks: /^\{PKCS5S2\}/ },
  { names: ['passlib:cta_pbkdf2_sha1', 'passlib:dlitz_pbkdf2_sha1'], read: of(p5k2), looks: /^\$p5k2\$/ },
  { names: ['passlib:grub_pbkdf2_sha512'], read: of(grub), looks: /^grub\.pbkdf2\./ },
  { names: ['passlib:fshp'], read: of(fshp), looks: /^\{FSHP/ },
  { names: ['passlib:scram'], read: of(scramText), looks: /^\$scram\$/ },
  { names: ['passlib:hex_md4'], read: hexDigest('md4') },
  { names: ['passlib:hex_md5', 'dokuwiki:md5'], read: hexDigest('md5') },
  { names: ['passlib:hex_sha1', 'dokuwiki:sha1'], read: hexDigest('sha1') },
  { names: ['passlib:hex_sha256', 'tomcat:SHA-256'], read: hexDigest('sha256') },
  { names: ['passlib:hex_sha512'], read: hexDigest('sha512') },
  {
    names: ['plain', 'passlib:plaintext', 'passlib:ldap_plaintext', 'htpasswd:-p', 'ldap:{CLEARTEXT}'],
    plain: true,
    read: of((text) => ofText([], text)),
  },
];
