// Forums, shops and wikis of old: MD5 and SHA-1 of salt and password, each in an order of its own.

import { createHash } from 'node:crypto';
import { malformed } from '../../failure.ts';
import type { Digest, Recipe, Step } from '../../recipe.ts';
import { bare, DIGEST_BYTES, exactly, hex, utf8 } from '../bytes.ts';
import { column, match, type Reader, type Scheme, textOf } from '../given.ts';
import { argon2, bcrypt, recipe, salted, step } from '../recipes.ts';

const hashed = (of: Digest): Step[] => [step.digest(of), step.hex];

/** H(H(password) ‖ salt), the inner one as text. */
const after =
  (of: Digest): Reader =>
  (given) =>
    salted(of, { after: utf8(column(given, 'salt')), key: hex(column(given, 'hash')) }, { first: hashed(of) });

/** md5(md5(salt) ‖ md5(password)). */
const mybb: Reader = (given) => {
  const before = utf8(createHash('md5').update(column(given, 'salt')).digest('hex'));
  return salted('md5', { before, key: hex(column(given, 'hash')) }, { first: hashed('md5') });
};

/** sha1(salt ‖ sha1(salt ‖ sha1(password))). */
const wcf1: Reader = (given) => {
  const before = utf8(column(given, 'salt'));
  const first: Step[] = [...hashed('sha1'), { do: 'join', before }, ...hashed('sha1')];
  return salted('sha1', { before, key: hex(column(given, 'hash')) }, { first });
};

const smf: Reader = (given) =>
  salted('sha1', { before: utf8(column(given, 'username').toLowerCase()), key: hex(column(given, 'hash')) });

/** bcrypt over its own text, with the same salt. */
const wcf2: Reader = (given) => {
  const text = textOf(given).replace(/^Bcrypt:/i, '');
  return bcrypt(text, { first: [{ do: 'bcrypt', setting: text.slice(0, 29) }] });
};

const joomla: Reader = (given) => {
  const { key = '', salt = '' } = match(/^(?<key>[0-9a-f]{32}):(?<salt>.+)$/, textOf(given));
  return salted('md5', { after: utf8(salt), key: hex(key) });
};

const kmd5: Reader = (given) => {
  const {
    head = '',
    salt = '',
    tail = '',
  } = match(/^(?<head>[0-9a-f]{16})(?<salt>..)(?<tail>[0-9a-f]{16})$/, textOf(given));
  return salted('md5', { before: utf8(salt), key: hex(head + tail) }, { first: hashed('md5') });
};

/** `hash:salt:versions`: each version hashes what the one before had made. */
const magento: Reader = (given) => {
  const {
    hash = '',
    salt = '',
    versions = '',
  } = match(/^(?<hash>[0-9a-f]+):(?<salt>[^:]*):(?<versions>[0-2](?::[0-2])*)$/, textOf(given));
  const [last = '', ...before] = versions.split(':').reverse();
  const first = before.reverse().flatMap((version): Step[] => {
    return [
      { do: 'join', before: utf8(salt) },
      ...hashed(version === '0' ? 'md5' : version === '1' ? 'sha256' : malformed()),
    ];
  });
  if (last === '2') return magentoArgon2(hash, salt, first);
  const of = last === '0' ? 'md5' : 'sha256';
  const steps: Step[] = [...first, { do: 'join', before: utf8(salt) }, step.digest(of)];
  return recipe(steps, exactly(DIGEST_BYTES[of], hex(hash)));
};

/** sodium's interactive limits; it takes 16 bytes of the salt's text. */
function magentoArgon2(hash: string, salt: string, first: readonly Step[]): Recipe {
  const text = `$argon2id$v=19$m=65536,t=2,p=1$${bare(Buffer.from(salt).subarray(0, 16))}$${bare(hex(hash))}`;
  return argon2(text, { first });
}

export const forums: readonly Scheme[] = [
  { names: ['xenforo1:sha1'], read: after('sha1') },
  { names: ['xenforo1:sha256'], read: after('sha256') },
  { names: ['vbulletin:md5'], read: after('md5') },
  { names: ['mybb:md5'], read: mybb },
  { names: ['wcf1:sha1'], read: wcf1 },
  { names: ['smf:sha1'], read: smf },
  { names: ['wcf2:bcrypt-twice'], read: wcf2 },
  { names: ['joomla:md5-salt'], read: joomla },
  { names: ['dokuwiki:kmd5'], read: kmd5 },
  { names: ['magento:*', 'magento'], read: magento, looks: /^[0-9a-f]{32,64}:[^:]+:[0-2](:[0-2])*$/ },
];
