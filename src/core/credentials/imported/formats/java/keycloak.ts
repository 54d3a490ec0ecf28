// Keycloak's credentials: JSON within JSON, or, before 2020, flat fields.
import { malformed } from '../../failure.ts';
import type { Recipe } from '../../recipe.ts';
import { bare, base64, bytes, count, digestNamed } from '../bytes.ts';
import { column, fields, type Given, json, match, type Scheme, text } from '../given.ts';
import { argon2, pbkdf2 } from '../recipes.ts';

interface Credential {
  readonly algorithm: string;
  readonly iterations: number;
  readonly salt: Buffer;
  readonly key: Buffer;
  readonly parameters: unknown;
}

function read(given: Given): Recipe {
  const { algorithm, iterations, salt, key, parameters } = credential(given);
  if (algorithm === 'argon2') return argon2Of({ iterations, salt, key, parameters });
  // Without a digest's name it is SHA-1.
  const { digest = 'sha1' } = match(/^pbkdf2(?:-(?<digest>sha\d+))?$/, algorithm);
  return pbkdf2(digestNamed(digest), iterations, { salt: bytes(salt), key });
}

function credential(given: Given): Credential {
  if (given.columns?.['secretData'] === undefined) {
    return {
      algorithm: column(given, 'algorithm'),
      iterations: count(given.columns?.['hashIterations']),
      salt: base64(column(given, 'salt')),
      key: base64(column(given, 'hashedSaltedValue')),
      parameters: null,
    };
  }
  const secret = json(given.columns['secretData']);
  const about = json(given.columns['credentialData']);
  return {
    algorithm: text(about['algorithm']),
    iterations: count(about['hashIterations']),
    salt: base64(text(secret['salt'])),
    key: base64(text(secret['value'])),
    parameters: about['additionalParameters'],
  };
}

/** The parameters are arrays of one text each. */
function argon2Of({ iterations, salt, key, parameters }: Omit<Credential, 'algorithm'>): Recipe {
  const all = fields(parameters);
  const one = (name: string) => text([all[name]].flat()[0]);
  const version = { '1.0': 16, '1.3': 19 }[one('version')] ?? malformed();
  const cost = `m=${count(one('memory'))},t=${iterations},p=${count(one('parallelism'))}`;
  return argon2(`$argon2${one('type')}$v=${version}$${cost}$${bare(salt)}$${bare(key)}`);
}

export const keycloak: readonly Scheme[] = [
  { names: ['keycloak', 'keycloak:*'], read, columns: ['secretData', 'credentialData'] },
  { names: ['keycloak:flat'], read, columns: ['hashedSaltedValue', 'hashIterations'] },
];
