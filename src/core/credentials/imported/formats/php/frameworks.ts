// PHP's frameworks and applications around password_hash(): Symfony, Nextcloud, ownCloud, CodeIgniter, DAViCal.
import type { Recipe } from '../../recipe.ts';
import { base64, bytes, DIGEST_BYTES, exactly, hex, utf8 } from '../bytes.ts';
import { column, match, type Reader, type Scheme, textOf } from '../given.ts';
import { argon2, bcrypt, pbkdf2, recipe, salted, step } from '../recipes.ts';

const SYMFONY = { pbkdf2: 1_000, digest: 5_000 } as const;

const passwordHash = (text: string): Recipe => (text.startsWith('$argon2') ? argon2(text) : bcrypt(text));

const symfonyPbkdf2: Reader = (given) =>
  pbkdf2('sha512', SYMFONY.pbkdf2, { salt: utf8(column(given, 'salt')), key: base64(column(given, 'password')) });

/** H over and over of the digest and `password{salt}`. */
const symfonyDigest: Reader = (given) => {
  const salt = column(given, 'salt');
  const key = base64(column(given, 'password'));
  return recipe(
    [
      { do: 'join', ...(salt !== '' && { after: utf8(`{${salt}}`) }) },
      { do: 'stretch', of: 'sha512', salt: '', rounds: SYMFONY.digest - 1 },
    ],
    exactly(DIGEST_BYTES.sha512, key),
  );
};

const symfonySha1: Reader = (given) => {
  const salt = column(given, 'salt');
  const after = salt === '' ? {} : { after: utf8(`{${salt}}`) };
  return salted('sha1', { ...after, key: hex(column(given, 'password')) });
};

/** `1|`, `2|` or `3|` before it. */
const cloud: Reader = (given) => passwordHash(match(/^[123]\|(?<text>.+)$/, textOf(given))['text'] ?? '');

const davicalSha1: Reader = (given) => {
  const { value = '' } = match(/^\*(?<salt>[^*]+)\*\{SSHA\}(?<value>.+)$/, textOf(given));
  const all = base64(value);
  return salted('sha1', { after: bytes(all.subarray(20)), key: all.subarray(0, 20) });
};

const davicalMd5: Reader = (given) => {
  const { salt = '', key = '' } = match(/^\*(?<salt>[^*]+)\*(?<key>[0-9a-f]{32})$/, textOf(given));
  return salted('md5', { before: utf8(salt), key: hex(key) });
};

export const phpFrameworks: readonly Scheme[] = [
  {
    names: ['symfony:native', 'symfony:bcrypt'],
    read: (given) => bcrypt(textOf(given), { first: [{ do: 'fit-bcrypt' }] }),
  },
  { names: ['symfony:pbkdf2'], read: symfonyPbkdf2 },
  { names: ['symfony:message-digest'], read: symfonyDigest },
  { names: ['symfony:message-digest-sha1hex'], read: symfonySha1 },
  { names: ['owncloud:1', 'nextcloud:*', 'nextcloud', 'owncloud'], read: cloud, looks: /^[123]\|\$/ },
  {
    names: ['owncloud:legacy-pepper'],
    read: (given) =>
      bcrypt(given.text ?? column(given, 'hash'), { first: [{ do: 'join', after: { secret: 'pepper' } }] }),
  },
  {
    names: ['shield:sha384-bcrypt'],
    read: (given) => bcrypt(textOf(given), { first: [step.digest('sha384'), step.base64] }),
  },
  { names: ['davical:ssha'], read: davicalSha1, looks: /^\*[^*]+\*\{SSHA\}/ },
  { names: ['davical:md5'], read: davicalMd5, looks: /^\*[^*]+\*[0-9a-f]{32}$/ },
];
