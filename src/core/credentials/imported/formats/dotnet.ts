// ASP.NET's Identity: base64 of a version, its parameters, the salt and the key.
import { malformed } from '../failure.ts';
import type { Digest, Recipe } from '../recipe.ts';
import { base64, bytes } from './bytes.ts';
import { type Scheme, textOf } from './given.ts';
import { pbkdf2 } from './recipes.ts';

const PRF: readonly Digest[] = ['sha1', 'sha256', 'sha512'];
const V2 = { iterations: 1_000, salt: 16, key: 32 } as const;

function read(text: string): Recipe {
  const all = base64(text);
  if (all[0] === 0) {
    if (all.length !== 1 + V2.salt + V2.key) malformed();
    const [salt, key] = [all.subarray(1, 1 + V2.salt), all.subarray(1 + V2.salt)];
    return pbkdf2('sha1', V2.iterations, { salt: bytes(salt), key });
  }
  if (all[0] !== 1 || all.length < 13) malformed();
  const of = PRF[all.readUInt32BE(1)] ?? malformed();
  const [iterations, length] = [all.readUInt32BE(5), all.readUInt32BE(9)];
  if (iterations < 1 || 13 + length >= all.length) malformed();
  return pbkdf2(of, iterations, { salt: bytes(all.subarray(13, 13 + length)), key: all.subarray(13 + length) });
}

export const dotnet: readonly Scheme[] = [
  {
    names: ['aspnet:*', 'aspnet'],
    read: (given) => read(textOf(given)),
    looks: /^AQAAAA[A-I][A-Za-z0-9+/]{70,}={0,2}$|^A[A-P][A-Za-z0-9+/]{62}[A-Za-z0-9+/]{2}==$/,
  },
];
