// From a person of a file to one who can be written: with an id, and with the password read.
import { v7 as uuidv7 } from 'uuid';
import { encryptImportSecret } from '../credentials/import-secrets.ts';
import { type ImportSecrets, type NeededSecret, readImportedHash } from '../credentials/imported/imported-hash.ts';
import { wrapWeak } from '../credentials/imported/weak.ts';
import { noPassword } from '../credentials/no-password.ts';
import type { HashingCost } from '../credentials/passwords.ts';
import type { SecretBox } from '../credentials/secret-box.ts';
import { readKeptHash } from './kept-hash.ts';
import type { Person } from './person.ts';
import type { PersonProblem } from './problems.ts';
import type { ReadyPerson } from './write-batch.ts';

export interface ReadyOptions {
  readonly secrets: ImportSecrets;
  readonly allowWeak: boolean;
  readonly cost: HashingCost;
  readonly secretBox: SecretBox;
}

export interface Ready extends ReadyPerson {
  readonly weak: boolean;
}

export type MadeReady = Ready | { readonly problem: PersonProblem };

export function createMakeReady({ secrets, allowWeak, cost, secretBox }: ReadyOptions) {
  const kept = new Map<string, { readonly id: string; readonly encrypted: Uint8Array<ArrayBuffer> }>();

  /** One row a secret, whoever needs it. */
  function idOf(secret: NeededSecret | null): string | null {
    if (secret === null) return null;
    const key = `${secret.name} ${secret.value}`;
    const known = kept.get(key);
    if (known) return known.id;
    const id = uuidv7();
    kept.set(key, { id, encrypted: encryptImportSecret(secretBox, id, secret.value) });
    return id;
  }

  return {
    makeReady(place: number, person: Person): MadeReady {
      const about = { id: uuidv7(), eventId: uuidv7(), place, person, weak: false, imported: null, scheme: null };
      const { password } = person;
      const found = readKeptHash(password) ?? readImportedHash(password, secrets);
      switch (found.kind) {
        case 'error':
          return { problem: { code: found.code } };
        case 'unusable':
          return { ...about, passwordHash: noPassword(cost) };
        case 'argon2id':
          return { ...about, passwordHash: found.hash, scheme: found.scheme };
        case 'hash': {
          const { scheme, stored, weak } = found;
          if (weak && !allowWeak) return { problem: { code: 'weak_hash' } };
          const imported = { stored, secretId: idOf(found.secret) };
          return { ...about, passwordHash: noPassword(cost), scheme, weak, imported };
        }
      }
    },

    /** Hashes what is weak once more, so that it never rests as it came. Several at once, in libuv's threads. */
    protect(people: readonly Ready[]): Promise<readonly Ready[]> {
      return Promise.all(
        people.map(async (one) => {
          if (!one.weak || !one.imported) return one;
          return { ...one, imported: { ...one.imported, stored: await wrapWeak(one.imported.stored, cost) } };
        }),
      );
    },

    /** By their ids, encrypted. */
    secrets: (): ReadonlyMap<string, Uint8Array<ArrayBuffer>> =>
      new Map([...kept.values()].map(({ id, encrypted }) => [id, encrypted])),
  };
}
