// Auth0: its import file, or its export with a person a line, with the hashes that its support hands out.
import type { Found } from '../import-people.ts';
import { fieldsOf, firstOf } from './fields.ts';
import { type ReadEntry, readArrayOrLines } from './json-entries.ts';

export function readAuth0(input: AsyncIterable<Buffer>): AsyncGenerator<readonly Found[]> {
  return readArrayOrLines(input, readUser);
}

const readUser: ReadEntry = (user) => {
  const { email, email_verified, name, given_name, family_name, locale, blocked, user_metadata } = user;
  return {
    externalId: firstOf(user['user_id'], fieldsOf(user['_id'])['$oid'], user['id'], email),
    email,
    email_verified,
    name,
    given_name,
    family_name,
    locale,
    blocked,
    user_metadata,
    created_at: user['created_at'],
    password_hash: firstOf(user['password_hash'], user['passwordHash']),
    custom_password_hash: user['custom_password_hash'],
  };
};
