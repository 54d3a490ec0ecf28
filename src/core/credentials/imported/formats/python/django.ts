// Django's hashers: `algorithm$…`.
import { malformed } from '../../failure.ts';
import type { Recipe } from '../../recipe.ts';
import { base64, count, digestNamed, hex, utf8 } from '../bytes.ts';
import { match, type Scheme, textOf } from '../given.ts';
import { argon2, bcrypt, pbkdf2, salted, scrypt, step } from '../recipes.ts';
import { desCrypt } from '../unix/crypt.ts';

/** @throws ImportedHashFailure */
function read(text: string): Recipe {
  const at = text.indexOf('$');
  const [name, rest] = [text.slice(0, at), text.slice(at + 1)];
  switch (name) {
    case 'pbkdf2_sha256':
    case 'pbkdf2_sha1': {
      const { iterations, salt = '', key = '' } = match(/^(?<iterations>\d+)\$(?<salt>[^$]*)\$(?<key>[^$]+)$/, rest);
      const derived = { salt: utf8(salt), key: base64(key) };
      return pbkdf2(digestNamed(name.slice('pbkdf2_'.length)), count(iterations), derived);
    }
    case 'scrypt': {
      const pattern = /^(?<n>\d+)\$(?<salt>[^$]*)\$(?<r>\d+)\$(?<p>\d+)\$(?<key>[^$]+)$/;
      const { n, salt = '', r, p, key = '' } = match(pattern, rest);
      return scrypt({ n: count(n), r: count(r), p: count(p) }, { salt: utf8(salt), key: base64(key) });
    }
    case 'argon2':
      return argon2(`$${rest}`);
    case 'bcrypt':
      return bcrypt(rest);
    case 'bcrypt_sha256':
      return bcrypt(rest, { first: [step.digest('sha256'), step.hex] });
    case 'sha1':
    case 'md5': {
      const { salt = '', key = '' } = match(/^(?<salt>[^$]*)\$(?<key>[0-9a-f]+)$/i, rest);
      return salted(name, { ...(salt !== '' && { before: utf8(salt) }), key: hex(key) });
    }
    case 'crypt':
      return desCrypt(rest.slice(rest.indexOf('$') + 1));
    default:
      // Unsalted MD5 has no name before it.
      return /^[0-9a-f]{32}$/i.test(text) ? salted('md5', { key: hex(text) }) : malformed();
  }
}

export const django: readonly Scheme[] = [
  {
    names: ['django:*', 'django', 'passlib:django_*', 'dokuwiki:django*'],
    read: (given) => read(textOf(given)),
    looks: /^(pbkdf2_sha(1|256)\$|scrypt\$\d+\$|argon2\$argon2|bcrypt(_sha256)?\$\$2|sha1\$\$|crypt\$)/,
  },
];
