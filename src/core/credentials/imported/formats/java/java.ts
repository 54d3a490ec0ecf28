// Shiro and Tomcat; and Gitea, whose texts are of the same kind.
import { malformed } from '../../failure.ts';
import type { Digest, Recipe, Step } from '../../recipe.ts';
import { bare, base64, bytes, count, DIGEST_BYTES, digestNamed, exactly, hex } from '../bytes.ts';
import { column, match, type Reader, type Scheme, textOf } from '../given.ts';
import { argon2, bcrypt, pbkdf2, recipe, scrypt } from '../recipes.ts';

/** H(salt ‖ password), then H over and over. */
function iterated(of: Digest, times: number, salt: Buffer, key: Buffer): Recipe {
  const steps: Step[] = [
    { do: 'join', before: bytes(salt) },
    { do: 'digest', of, times },
  ];
  return recipe(steps, exactly(DIGEST_BYTES[of], key));
}

const shiro: Reader = (given) => {
  const pattern = /^\$shiro1\$(?<digest>[\w-]+)\$(?<times>\d+)\$(?<salt>[^$]*)\$(?<key>[^$]+)$/;
  const { digest = '', times, salt = '', key = '' } = match(pattern, textOf(given));
  const raw = salt === '' ? Buffer.alloc(0) : base64(salt);
  return iterated(digestNamed(digest), count(times), raw, base64(key));
};

const TOMCAT = /^(?<salt>[0-9a-f]+)\$(?<times>\d+)\$(?<key>[0-9a-f]+)$/;

const tomcatDigest: Reader = (given) => {
  const { salt = '', times, key = '' } = match(TOMCAT, textOf(given));
  return iterated('sha512', count(times), hex(salt), hex(key));
};

const tomcatPbkdf2 =
  (of: Digest): Reader =>
  (given) => {
    const { salt = '', times, key = '' } = match(TOMCAT, textOf(given));
    return pbkdf2(of, count(times), { salt: bytes(hex(salt)), key: hex(key) });
  };

/** `name$parameters$length of the key`. */
const gitea: Reader = (given) => {
  const passwd = column(given, 'passwd');
  const [name, ...parameters] = column(given, 'passwd_hash_algo').split('$');
  if (name === 'bcrypt') return bcrypt(passwd);
  const [salt, key] = [hex(column(given, 'salt')), hex(passwd)];
  const derived = { salt: bytes(salt), key };
  const [first, second, third] = parameters;
  if (name === 'pbkdf2') return pbkdf2('sha256', count(first ?? 10_000), derived);
  if (name === 'scrypt')
    return scrypt({ n: count(first ?? 65_536), r: count(second ?? 16), p: count(third ?? 2) }, derived);
  if (name !== 'argon2') return malformed();
  const cost = `m=${count(second ?? 65_536)},t=${count(first ?? 2)},p=${count(third ?? 8)}`;
  return argon2(`$argon2id$v=19$${cost}$${bare(salt)}$${bare(key)}`);
};

export const java: readonly Scheme[] = [
  { names: ['shiro1:*', 'shiro1'], read: shiro, looks: /^\$shiro1\$/ },
  { names: ['tomcat:SHA-512-salt-iter'], read: tomcatDigest },
  { names: ['tomcat:pbkdf2-sha512'], read: tomcatPbkdf2('sha512') },
  { names: ['tomcat:pbkdf2-sha1'], read: tomcatPbkdf2('sha1') },
  { names: ['gitea:*', 'gitea'], read: gitea, columns: ['passwd', 'passwd_hash_algo'] },
];
