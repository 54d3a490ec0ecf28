// Django: the file of `manage.py dumpdata auth`, or of the app with a user model of one's own, as JSON or JSON lines.
import type { Found } from '../import-people.ts';
import { fieldsOf, firstOf, groupNameOf, listOf } from './fields.ts';
import { type ReadEntry, readArrayOrLines } from './json-entries.ts';

export function readDjango(input: AsyncIterable<Buffer>): AsyncGenerator<readonly Found[]> {
  return readArrayOrLines(input, createReadEntry());
}

/** Django writes groups before the users that are in them. */
function createReadEntry(): ReadEntry {
  const groups = new Map<unknown, unknown>();
  return ({ model, pk, fields: given }) => {
    const fields = fieldsOf(given);
    if (model === 'auth.group') groups.set(pk, fields['name']);
    if (typeof fields['password'] !== 'string' || fields['email'] === undefined) return null;
    return {
      externalId: firstOf(pk, fields['username']),
      email: fields['email'],
      given_name: fields['first_name'],
      family_name: fields['last_name'],
      created_at: fields['date_joined'],
      blocked: fields['is_active'] === false,
      groups: listOf(fields['groups']).map((one) => groupNameOf(Array.isArray(one) ? one[0] : groups.get(one))),
      password_scheme: 'django',
      password_hash: fields['password'],
    };
  };
}
