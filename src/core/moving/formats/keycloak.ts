// Keycloak: the file of `kc.sh export`, of one realm or several.
import type { Found } from '../import-people.ts';
import { fieldsOf, firstOf, groupNameOf, listOf, momentOf } from './fields.ts';
import { type ReadEntry, readEntries } from './json-entries.ts';

const PATHS = ['$.users.*', '$.*.users.*'];

export function readKeycloak(input: AsyncIterable<Buffer>): AsyncGenerator<readonly Found[]> {
  return readEntries(input, PATHS, readUser);
}

/** Accounts of services are nobody. A user name may be the address. */
const readUser: ReadEntry = (user) => {
  if (user['serviceAccountClientId']) return null;
  const [locale] = listOf(fieldsOf(user['attributes'])['locale']);
  const password = listOf(user['credentials'])
    .map(fieldsOf)
    .find(({ type }) => type === 'password');
  const { firstName: given_name, lastName: family_name, emailVerified: email_verified } = user;
  return {
    externalId: firstOf(user['id'], user['username']),
    email: firstOf(user['email'], isAddress(user['username']) ? user['username'] : undefined),
    email_verified,
    given_name,
    family_name,
    locale,
    created_at: momentOf(user['createdTimestamp']),
    blocked: user['enabled'] === false,
    groups: listOf(user['groups']).map(groupNameOf),
    ...(password ? { password_scheme: 'keycloak', password_columns: password } : {}),
  };
};

function isAddress(name: unknown): boolean {
  return typeof name === 'string' && name.includes('@');
}
