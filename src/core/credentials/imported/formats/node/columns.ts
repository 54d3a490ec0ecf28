// What systems keep in several columns: JavaScript's, and those that Discourse, Devise and Firebase have.
import type { Digest } from '../../recipe.ts';
import { base64, bytes, count, digestNamed, hex, utf8 } from '../bytes.ts';
import { column, type Fields, fields, type Given, match, type Reader, type Scheme, text } from '../given.ts';
import { argon2, bcrypt, pbkdf2, power, recipe, scrypt, step } from '../recipes.ts';

/** Of salts that are used as text, though they look like bytes. */
const pbkdf2Text =
  (of: Digest, iterations: number): Reader =>
  (given) =>
    pbkdf2(of, iterations, { salt: utf8(column(given, 'salt')), key: hex(column(given, 'hash', 'hashedPassword')) });

const pwd: Reader = (given) =>
  pbkdf2('sha1', 12_000, { salt: utf8(column(given, 'salt')), key: base64(column(given, 'hash')) });

const saltInBase64: Reader = (given) =>
  pbkdf2('sha1', 10_000, { salt: bytes(base64(column(given, 'salt'))), key: base64(column(given, 'hash')) });

const payload: Reader = (given) => {
  const { key = '' } = match(/^pbkdf2-sha256-v1:(?<key>[0-9a-f]+)$/, column(given, 'hash'));
  return pbkdf2('sha256', 600_000, { salt: utf8(column(given, 'salt')), key: hex(key) });
};

const redwood: Reader = (given) => {
  const pattern = /^(?<key>[0-9a-f]+)\|(?<n>\d+)\|(?<r>\d+)\|(?<p>\d+)$/;
  const { key = '', n, r, p } = match(pattern, column(given, 'hashedPassword'));
  return scrypt({ n: count(n), r: count(r), p: count(p) }, { salt: utf8(column(given, 'salt')), key: hex(key) });
};

const discourse: Reader = (given) => {
  const algorithm = column(given, 'password_algorithm');
  const { digest = '', iterations } = match(/^\$pbkdf2-(?<digest>sha\d+)\$i=(?<iterations>\d+),l=\d+\$$/, algorithm);
  const salt = utf8(column(given, 'password_salt'));
  return pbkdf2(digestNamed(digest), count(iterations), { salt, key: hex(column(given, 'password_hash')) });
};

const devise: Reader = (given) =>
  bcrypt(given.text ?? column(given, 'encrypted_password'), { first: [{ do: 'join', after: { secret: 'pepper' } }] });

const nodebb: Reader = (given) =>
  bcrypt(given.text ?? column(given, 'password'), { first: [step.digest('sha512'), step.hex] });

const meteor: Reader = (given) => {
  const kept = () => text(fields(fields(given.columns?.['services'])['password'])['bcrypt']);
  return bcrypt(given.text ?? kept(), { first: [step.digest('sha256'), step.hex] });
};

/** Scrypt's key encrypts the project's key; the parameters are the project's too. */
const firebase: Reader = (given) => {
  const { base64_salt_separator: separator, rounds, mem_cost: memory } = hashConfig(given);
  const salt = Buffer.concat([base64(column(given, 'salt')), base64(text(separator))]);
  const cost = { n: power(count(memory)), r: count(rounds), p: 1, length: 64 };
  return recipe(
    [
      { do: 'scrypt', salt: bytes(salt), ...cost },
      { do: 'aes-256-ctr', data: { secret: 'signer_key' } },
    ],
    bytes(base64(column(given, 'passwordHash'))),
  );
};

/** As Firebase's export prints it, in one of its two ways. */
function hashConfig(given: Given): Fields {
  const found = given.hashConfig();
  return {
    base64_salt_separator: found['base64_salt_separator'] ?? found['saltSeparator'] ?? found['base64SaltSeparator'],
    rounds: found['rounds'],
    mem_cost: found['mem_cost'] ?? found['memCost'] ?? found['memoryCost'],
  };
}

export const columns: readonly Scheme[] = [
  { names: ['payload:pbkdf2-v1'], read: payload },
  { names: ['payload:pbkdf2-legacy', 'plm:pbkdf2'], read: pbkdf2Text('sha256', 25_000) },
  { names: ['redwood:scrypt'], read: redwood },
  { names: ['redwood:legacy-pbkdf2'], read: pbkdf2Text('sha1', 1) },
  { names: ['pbkdf2-password:pbkdf2'], read: saltInBase64 },
  { names: ['pwd:pbkdf2'], read: pwd },
  { names: ['discourse:pbkdf2'], read: discourse, columns: ['password_algorithm', 'password_salt'] },
  { names: ['devise:bcrypt-pepper', 'devise:bcrypt-long-pepper'], read: devise },
  { names: ['nodebb:sha512-bcrypt'], read: nodebb, columns: ['password', 'password:shaWrapped'] },
  { names: ['meteor:sha256-bcrypt'], read: meteor, columns: ['services'] },
  { names: ['argon2npm:secret'], read: (given) => argon2(given.text ?? column(given, 'hash'), {}, 'pepper') },
  { names: ['firebase:scrypt', 'firebase'], read: firebase, columns: ['passwordHash', 'salt'] },
];
