// What belongs to a whole file: from the option's file, or from a column that repeats it.
import { ImportedHashFailure, malformed } from './failure.ts';
import type { SecretName } from './recipe.ts';

type Fields = Readonly<Record<string, unknown>>;

/** What the file's own option holds for all its people. */
export interface ImportSecrets {
  readonly pepper?: string | undefined;
  readonly application_salt?: string | undefined;
  /** Firebase's, as it was exported. */
  readonly hash_config?: Fields | undefined;
}

/** Needed to check the password: to be kept encrypted, once for all rows that need the same. */
export interface NeededSecret {
  readonly name: SecretName;
  readonly value: string;
}

/** Columns in which exports repeat it with each person. */
const COLUMNS: Readonly<Record<keyof ImportSecrets, readonly string[]>> = {
  pepper: ['pepper', 'passwordsalt', 'secret'],
  application_salt: ['SECURITY_PASSWORD_SALT'],
  hash_config: ['hash_config'],
};

/** @throws ImportedHashFailure missing_secret */
export function hashConfig(secrets: ImportSecrets, columns: Fields | null): Fields {
  const found = columns?.['hash_config'] ?? secrets.hash_config;
  if (typeof found !== 'object' || found === null) throw new ImportedHashFailure('missing_secret');
  return found as Fields;
}

/** @throws ImportedHashFailure missing_secret */
export function neededSecret(name: SecretName, secrets: ImportSecrets, columns: Fields | null): NeededSecret {
  if (name === 'signer_key') {
    const config = hashConfig(secrets, columns);
    const value = config['base64_signer_key'] ?? config['signerKey'] ?? config['base64SignerKey'];
    return { name, value: typeof value === 'string' && value !== '' ? value : malformed() };
  }
  const column = COLUMNS[name].map((key) => columns?.[key]).find((value) => typeof value === 'string');
  const value = column ?? secrets[name];
  if (typeof value !== 'string' || value === '') throw new ImportedHashFailure('missing_secret');
  return { name, value };
}
