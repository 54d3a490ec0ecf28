// MediaWiki: `:type:parameters:…:hash`.
import type { Digest, Recipe, Step } from '../../recipe.ts';
import { base64, bytes, count, digestNamed, exactly, hex, utf8 } from '../bytes.ts';
import { match, type Scheme, textOf } from '../given.ts';
import { argon2, bcrypt, pbkdf2, recipe, step } from '../recipes.ts';

const B64 = '[A-Za-z0-9+/]+={0,2}';
const PBKDF2 = new RegExp(`^:pbkdf2:(?<of>\\w+):(?<iterations>\\d+):\\d+:(?<salt>${B64}):(?<key>${B64})$`);
const LAYERED = new RegExp(
  `^:pbkdf2-legacy[AB]:!(?<of>\\w+):(?<iterations>\\d+):\\d+!(?<inner>[^!]*)!(?<salt>${B64})!(?<key>${B64})$`,
);

/** The oldest: md5 of the password, and md5(salt-md5(password)); both are texts. */
const oldA: readonly Step[] = [step.digest('md5'), step.hex];
const oldB = (salt: string): readonly Step[] => [
  ...oldA,
  { do: 'join', before: utf8(`${salt}-`) },
  step.digest('md5'),
  step.hex,
];

function derived(text: string, pattern: RegExp, first: (inner: string) => readonly Step[]): Recipe {
  const { of = '', iterations, inner = '', salt = '', key = '' } = match(pattern, text);
  const digest: Digest = digestNamed(of);
  return pbkdf2(digest, count(iterations), { salt: bytes(base64(salt)), key: base64(key) }, { first: first(inner) });
}

function read(text: string): Recipe {
  if (text.startsWith(':pbkdf2:')) return derived(text, PBKDF2, () => []);
  if (text.startsWith(':pbkdf2-legacyA:')) return derived(text, LAYERED, () => oldA);
  if (text.startsWith(':pbkdf2-legacyB:')) return derived(text, LAYERED, oldB);
  if (text.startsWith(':argon2:')) return argon2(text.slice(':argon2:'.length));
  if (text.startsWith(':bcrypt:')) {
    const { cost = '', salt, hash } = match(/^:bcrypt:(?<cost>\d{1,2})\$(?<salt>.{22})\$(?<hash>.{31})$/, text);
    return bcrypt(`$2y$${cost.padStart(2, '0')}$${salt}${hash}`);
  }
  const { salt, key = '' } = match(/^:(?:A|B:(?<salt>[^:]*)):(?<key>[0-9a-f]{32})$/, text);
  const [, ...steps] = [...(salt === undefined ? oldA : oldB(salt))].reverse();
  return recipe(steps.reverse(), exactly(16, hex(key)));
}

export const mediawiki: readonly Scheme[] = [
  {
    names: ['mediawiki:*', 'mediawiki', 'dokuwiki:mediawiki'],
    read: (given) => read(textOf(given)),
    looks: /^:(A|B|bcrypt|argon2|pbkdf2(-legacy[AB])?):/,
  },
];
