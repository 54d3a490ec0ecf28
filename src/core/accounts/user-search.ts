// Accounts as operators look for them: by part of an address, role, state and whether a second factor protects them. Pages
// by key, both ways. A page without text costs what it holds; with text, at worst one walk through the index of addresses.
import type { Role } from '../../generated/prisma/client.ts';
import type { Database } from '../platform/database.ts';
import { timedQuery } from '../platform/postgres/connection.ts';
import type { ListedUser } from './users.ts';

/** All of it must hold; null leaves a part out. */
export interface UserFilter {
  /** Stands somewhere in the address, in capitals or not. */
  readonly text: string | null;
  readonly role: Role | null;
  readonly disabled: boolean | null;
  readonly secondFactor: boolean | null;
}

export const ANY_USER: UserFilter = { text: null, role: null, disabled: null, secondFactor: null };

export interface FoundUser extends ListedUser {
  /** Whether an authenticator app or a passkey is set up. */
  readonly secondFactor: boolean;
}

/** Where a page begins: after or before an address; null for the first. */
export type UserKey = { readonly after: string } | { readonly before: string } | null;

export interface UserPage {
  /** By address. */
  readonly users: readonly FoundUser[];
  readonly hasNext: boolean;
  readonly hasPrevious: boolean;
}

/** Past this many, matching accounts are not counted to the end. */
const COUNTED_TO = 10_000;
const COUNT_TIME_MS = 250;

export function createUserSearch({ database: { pool } }: { database: Pick<Database, 'pool'> }) {
  return {
    async page(filter: UserFilter, key: UserKey, size: number): Promise<UserPage> {
      const values: unknown[] = [];
      const backwards = key !== null && 'before' in key;
      const conditions = conditionsOf(filter, values);
      if (key !== null) {
        values.push(backwards ? key.before : key.after);
        conditions.push(`email_key ${backwards ? '<' : '>'} $${values.length}`);
      }
      const { rows } = await pool.query<FoundUser>(
        `SELECT id, email, role, disabled_at AS "disabledAt", created_at AS "createdAt", ${HAS_FACTOR} AS "secondFactor"
           FROM user_account AS u WHERE ${conditions.join(' AND ')}
          ORDER BY email_key ${backwards ? 'DESC' : 'ASC'} LIMIT ${size + 1}`,
        values,
      );
      const more = rows.length > size;
      const users = rows.slice(0, size);
      if (backwards) return { users: users.reverse(), hasPrevious: more, hasNext: true };
      return { users, hasPrevious: key !== null, hasNext: more };
    },

    /** How many match, counted up to ten thousand; null where counting would take longer than it is worth. */
    async count(filter: UserFilter): Promise<{ users: number; andMore: boolean } | null> {
      const values: unknown[] = [];
      const where = conditionsOf(filter, values).join(' AND ');
      const text = `SELECT count(*)::int AS counted
        FROM (SELECT FROM user_account AS u WHERE ${where} LIMIT ${COUNTED_TO + 1}) AS matching`;
      const rows = await timedQuery<{ counted: number }>(pool, COUNT_TIME_MS, { text, values });
      if (rows === null) return null;
      const counted = rows[0]?.counted ?? 0;
      return { users: Math.min(counted, COUNTED_TO), andMore: counted > COUNTED_TO };
    },
  };
}

/** A domain in Unicode stands in the address as typed and in the key in ASCII. */
const hasText = (bound: string) => `(strpos(email_key, ${bound}) > 0 OR strpos(lower(email), ${bound}) > 0)`;

const HAS_FACTOR = `(EXISTS (SELECT FROM totp WHERE totp.user_id = u.id) OR EXISTS (SELECT FROM passkey WHERE passkey.user_id = u.id))`;

function conditionsOf({ text, role, disabled, secondFactor }: UserFilter, values: unknown[]): string[] {
  const bind = (value: unknown) => `$${values.push(value)}`;
  return [
    'deleted_at IS NULL',
    ...(text === null ? [] : [hasText(bind(text.toLowerCase()))]),
    // A constant, so that the index of operators alone serves it.
    ...(role === null ? [] : [`role = '${role === 'operator' ? 'operator' : 'member'}'`]),
    ...(disabled === null ? [] : [`disabled_at IS ${disabled ? 'NOT ' : ''}NULL`]),
    ...(secondFactor === null ? [] : [secondFactor ? HAS_FACTOR : `NOT ${HAS_FACTOR}`]),
  ];
}
