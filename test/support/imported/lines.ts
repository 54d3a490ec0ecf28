// Values that the real software of 86 systems made of made-up passwords, as an import hands them over.
import { readFileSync } from 'node:fs';
import { readImportedHash } from '../../../src/core/credentials/imported/imported-hash.ts';

export interface Line {
  readonly scheme: string;
  readonly stored: string | Readonly<Record<string, unknown>>;
  readonly password: string;
  readonly expect?: 'unsupported' | 'unusable';
  /** Its system reads no further: what comes after is the same password to it. */
  readonly truncated_at?: number;
  readonly secret?: string;
  readonly username?: string;
}

export const lines: readonly Line[] = readFileSync('test/support/imported/password-hashes.ndjson', 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line));

/** As its scheme says; without a scheme as it looks. */
export function readLine({ scheme, stored, secret, username }: Line, declared: string | null = scheme) {
  const field = typeof stored === 'string' ? { password_hash: stored } : { password_columns: stored };
  const person = { ...field, password_scheme: declared ?? undefined, email: username ?? 'someone@example.org' };
  return readImportedHash(person, secret === undefined ? {} : { pepper: secret });
}
