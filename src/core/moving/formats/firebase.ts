// Firebase: the file of `firebase auth:export users.json`. The project's hash_config is a secret of the whole file.
import type { Found } from '../import-people.ts';
import { momentOf } from './fields.ts';
import { type ReadEntry, readEntries } from './json-entries.ts';

export function readFirebase(input: AsyncIterable<Buffer>): AsyncGenerator<readonly Found[]> {
  return readEntries(input, ['$.users.*'], readUser);
}

/** An empty hash is a person who comes from another provider. */
const readUser: ReadEntry = ({
  localId,
  email,
  emailVerified,
  displayName,
  createdAt,
  disabled,
  passwordHash,
  salt,
}) => ({
  externalId: localId,
  email,
  email_verified: emailVerified,
  name: displayName,
  created_at: momentOf(createdAt),
  blocked: disabled,
  ...(passwordHash ? { password_scheme: 'firebase', password_columns: { passwordHash, salt } } : {}),
});
