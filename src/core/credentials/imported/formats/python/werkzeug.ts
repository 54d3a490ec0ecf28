// Flask and its neighbours: Werkzeug's texts, and what extensions hash before them.
import { malformed } from '../../failure.ts';
import type { Recipe, Step } from '../../recipe.ts';
import { count, DIGEST_BYTES, digestNamed, exactly, hex, utf8 } from '../bytes.ts';
import { column, match, type Reader, type Scheme, textOf } from '../given.ts';
import { argon2, bcrypt, ofText, pbkdf2, recipe, salted, scrypt, step } from '../recipes.ts';
import { pbkdf2Text } from './passlib.ts';

const TEXT = /^(?<method>[^$]+)\$(?<salt>[^$]*)\$(?<rest>.*)$/s;
const DEFAULT_ITERATIONS = 1_000_000;

const werkzeug: Reader = (given) => {
  const { method = '', salt = '', rest = '' } = match(TEXT, textOf(given));
  const [name = '', ...parts] = method.split(':');
  if (name === 'plain') return ofText([], rest);
  const key = hex(rest);
  if (name === 'pbkdf2') {
    const [digest = 'sha256', iterations = DEFAULT_ITERATIONS] = parts;
    return pbkdf2(digestNamed(digest), count(iterations), { salt: utf8(salt), key });
  }
  if (name === 'scrypt') {
    const [n = 32_768, r = 8, p = 1] = parts;
    return scrypt({ n: count(n), r: count(r), p: count(p) }, { salt: utf8(salt), key });
  }
  if (parts.length > 0) return malformed();
  const of = digestNamed(name);
  if (salt === '') return salted(of, { key });
  return recipe([{ do: 'hmac', of, key: utf8(salt) }], exactly(DIGEST_BYTES[of], key));
};

/** The application's salt keys an HMAC before whatever comes. */
const hmacFirst: readonly Step[] = [{ do: 'hmac', of: 'sha512', key: { secret: 'application_salt' } }, step.base64];

const flaskSecurity: Reader = (given) => {
  const text = given.text ?? column(given, 'password');
  return inner(text);
};

function inner(text: string): Recipe {
  if (text.startsWith('$2')) return bcrypt(text, { first: hmacFirst });
  if (text.startsWith('$argon2')) return argon2(text, { first: hmacFirst });
  return pbkdf2Text(text, { first: hmacFirst });
}

export const flask: readonly Scheme[] = [
  {
    names: ['werkzeug:*', 'werkzeug'],
    read: werkzeug,
    looks: /^(pbkdf2:|scrypt:\d|plain\$\$|sha(224|256|384|512)\$[^$]*\$[0-9a-f]+$)/,
  },
  { names: ['flask-security:hmac-*'], read: flaskSecurity },
  {
    names: ['flask-bcrypt:sha256-bcrypt'],
    read: (given) => bcrypt(textOf(given), { first: [step.digest('sha256'), step.hex] }),
  },
];
