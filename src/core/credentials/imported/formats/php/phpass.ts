// phpass and what grew of it: WordPress, phpBB, Drupal.
import { malformed } from '../../failure.ts';
import type { Digest, Form, Recipe, Step } from '../../recipe.ts';
import { itoa64Value } from '../../steps/itoa64.ts';
import { exactly, utf8 } from '../bytes.ts';
import { match, type Reader, type Scheme, textOf } from '../given.ts';
import { argon2, bcrypt, ofText, power, recipe, step } from '../recipes.ts';

const PORTABLE = /^\$[PH]\$(?<log>[./A-Za-z0-9])(?<salt>[./A-Za-z0-9]{8})(?<hash>[./A-Za-z0-9]{22})$/;
const PHPBB: readonly Form[] = ['html'];
const WORDPRESS: readonly Form[] = ['slashes', 'trim'];
/** Drupal cuts its text there; twelve characters are the setting. */
const DRUPAL_HASH = 55 - 12;

function stretch(of: Digest, log: string, salt: string): Step[] {
  const rounds = itoa64Value(log);
  if (rounds < 7 || rounds > 30) malformed();
  return [
    { do: 'stretch', of, salt: utf8(salt), rounds: power(rounds) },
    { do: 'text', as: 'itoa64' },
  ];
}

function portable(text: string, forms?: readonly Form[]): Recipe {
  const { log = '', salt = '', hash = '' } = match(PORTABLE, text);
  return ofText(stretch('md5', log, salt), hash, forms);
}

/** `U` before it: of the MD5 that an earlier version had kept. */
function drupal(text: string): Recipe {
  const pattern = /^(?<old>U)?\$S\$(?<log>[./A-Za-z0-9])(?<salt>[./A-Za-z0-9]{8})(?<hash>[./A-Za-z0-9]{43})$/;
  const { old, log = '', salt = '', hash = '' } = match(pattern, text);
  const first = old ? [step.digest('md5'), step.hex] : [];
  return ofText([...first, ...stretch('sha512', log, salt), { do: 'cut', bytes: DRUPAL_HASH }], hash);
}

/** Before 6.8 phpass; since then bcrypt of an HMAC, as bcrypt would cut what is long. */
function wordpress(text: string): Recipe {
  if (/^\$[PH]\$/.test(text)) return portable(text, WORDPRESS);
  if (/^[0-9a-f]{32}$/i.test(text)) {
    return recipe([step.digest('md5')], exactly(16, Buffer.from(text, 'hex')), WORDPRESS);
  }
  if (!text.startsWith('$wp$')) return text.startsWith('$argon2') ? argon2(text) : bcrypt(text);
  const first: Step[] = [{ do: 'hmac', of: 'sha384', key: utf8('wp-sha384') }, step.base64];
  return bcrypt(text.slice('$wp'.length), { forms: WORDPRESS, first });
}

/** Its form reads every field as HTML. `$H\2y$` is bcrypt over an older hash. */
function phpbb(text: string): Recipe {
  if (text.startsWith('$argon2')) return argon2(text, { forms: PHPBB });
  if (/^\$[PH]\$/.test(text)) return portable(text, PHPBB);
  if (!text.startsWith('$H\\')) return bcrypt(text, { forms: PHPBB });
  const pattern =
    /^\$H\\(?<letter>2[ay])\$(?<log>[./A-Za-z0-9])(?<salt>[./A-Za-z0-9]{8})\$(?<cost>\d\d)\\(?<salt2>[./A-Za-z0-9]{22})\$(?<hash>[./A-Za-z0-9]{31})$/;
  const { letter, log = '', salt = '', cost, salt2, hash } = match(pattern, text);
  return bcrypt(`$${letter}$${cost}$${salt2}${hash}`, { forms: PHPBB, first: stretch('md5', log, salt) });
}

const of =
  (reader: (text: string) => Recipe): Reader =>
  (given) =>
    reader(textOf(given));

export const phpass: readonly Scheme[] = [
  { names: ['wordpress:*', 'wordpress'], read: of(wordpress), looks: /^\$(wp\$2|P\$)/ },
  { names: ['phpbb:*', 'phpbb'], read: of(phpbb), looks: /^\$H(\$|\\2)/ },
  { names: ['passlib:phpass', 'dokuwiki:pmd5', 'dokuwiki:hmd5'], read: of((text) => portable(text)) },
  { names: ['drupal7:*', 'drupal7', 'dokuwiki:drupal_sha512'], read: of(drupal), looks: /^U?\$S\$/ },
];
