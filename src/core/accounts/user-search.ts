// Accounts as operators look for them: by part of an address, role, state and whether a second factor protects them. Pages
// by key, both ways. A page without text costs what it holds; with text, at worst one walk through the index of addresses.
import type { Database } from '../platform/database.ts';
import { timedQuery } from '../platform/postgres/connection.ts';
import { type Role, roleIn } from '../sessions/role.ts';
import type { ListedUser } from './users.ts';

/** All of it must hold; null leaves a part out. */
export interface UserFilter {
  /** Stands somewhere in the address, in capitals or not. */
  readonly text: string | null;
  readonly role: Role | null;
  readonly disabled: boolean | null;
  readonly secondFactor: boolean | null;
  /** Whether they ever logged in. */
  readonly loggedIn: boolean | null;
}

export const ANY_USER: UserFilter = { text: null, role: null, disabled: null, secondFactor: null, loggedIn: null };

export interface FoundUser extends ListedUser {
  /** Whether an authenticator app or a passkey is set up. */
  readonly secondFactor: boolean;
  /** The first, where the log no longer knows of a later one; null for never. */
  readonly lastLoginAt: Date | null;
}

/** By address from A on; else the newest first, and last of all who never logged in. */
export type UserOrder = 'address' | 'created' | 'login';

/** Where a page begins: after or before an address, in the other orders after or before an account by its id; null for the first. */
export type UserKey = { readonly after: string } | { readonly before: string } | null;

export interface UserPage {
  readonly users: readonly FoundUser[];
  readonly hasNext: boolean;
  readonly hasPrevious: boolean;
}

/** Past this many, matching accounts are not counted to the end. */
const COUNTED_TO = 10_000;
const COUNT_TIME_MS = 250;

export function createUserSearch({ database: { pool } }: { database: Pick<Database, 'pool'> }) {
  /** What an order compares, of the account that a page begins at; null where it is gone. As text: an infinite moment is no Date. */
  async function placeOf(order: UserOrder, at: string): Promise<readonly string[] | null> {
    if (order === 'address') return [at];
    const [moment] = KEYS[order].columns;
    const { rows } = await pool.query<{ moment: string }>(
      `SELECT (${moment})::text AS moment FROM user_account WHERE id = $1`,
      [at],
    );
    return rows[0] ? [rows[0].moment, at] : null;
  }

  return {
    async page(filter: UserFilter, key: UserKey, size: number, order: UserOrder = 'address'): Promise<UserPage> {
      const values: unknown[] = [];
      const backwards = key !== null && 'before' in key;
      const ascending = (order === 'address') !== backwards;
      const conditions = conditionsOf(filter, values);
      if (key !== null) {
        const place = await placeOf(order, backwards ? key.before : key.after);
        if (place === null) return { users: [], hasPrevious: true, hasNext: false };
        const bound = place.map((value, index) => `$${values.push(value)}::${KEYS[order].types[index]}`);
        conditions.push(`(${KEYS[order].columns.join(', ')}) ${ascending ? '>' : '<'} (${bound.join(', ')})`);
      }
      const direction = ascending ? 'ASC' : 'DESC';
      const { rows } = await pool.query<FoundUser>(
        `SELECT id, email, ${roleIn('u')} AS role, disabled_at AS "disabledAt", created_at AS "createdAt", ${HAS_FACTOR} AS "secondFactor",
                coalesce(last_login_at, first_login_at) AS "lastLoginAt"
           FROM user_account AS u WHERE ${conditions.join(' AND ')}
          ORDER BY ${KEYS[order].columns.map((column) => `${column} ${direction}`).join(', ')} LIMIT ${size + 1}`,
        values,
      );
      const more = rows.length > size;
      const users = rows.slice(0, size);
      if (backwards) return { users: users.reverse(), hasPrevious: more, hasNext: true };
      return { users, hasPrevious: key !== null, hasNext: more };
    },

    /** The first so many, by address, in whose address a text stands; null where that takes longer than `withinMs`. */
    async named(text: string, most: number, withinMs: number): Promise<Pick<ListedUser, 'id' | 'email'>[] | null> {
      const values: unknown[] = [];
      const where = conditionsOf({ ...ANY_USER, text }, values).join(' AND ');
      const query = `SELECT id, email FROM user_account AS u WHERE ${where} ORDER BY email_key LIMIT ${most}`;
      return timedQuery<Pick<ListedUser, 'id' | 'email'>>(pool, withinMs, { text: query, values });
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

/** As in the indexes user_account_last_login and user_account_created. */
const KEYS = {
  address: { columns: ['email_key'], types: ['text'] },
  created: { columns: ['created_at', 'id'], types: ['timestamptz', 'uuid'] },
  login: {
    columns: [`coalesce(last_login_at, first_login_at, '-infinity'::timestamptz)`, 'id'],
    types: ['timestamptz', 'uuid'],
  },
} as const satisfies Record<UserOrder, { columns: readonly string[]; types: readonly string[] }>;

const NEVER = '(first_login_at IS NULL AND last_login_at IS NULL)';

/** A domain in Unicode stands in the address as typed and in the key in ASCII. */
const hasText = (bound: string) => `(strpos(email_key, ${bound}) > 0 OR strpos(lower(email), ${bound}) > 0)`;

const HAS_FACTOR = `(EXISTS (SELECT FROM totp WHERE totp.user_id = u.id) OR EXISTS (SELECT FROM passkey WHERE passkey.user_id = u.id))`;

const OF_ROLE: Readonly<Record<Role, string>> = {
  member: `role = 'member' AND NOT auditor`,
  auditor: `role = 'member' AND auditor`,
  operator: `role = 'operator'`,
};

function conditionsOf({ text, role, disabled, secondFactor, loggedIn }: UserFilter, values: unknown[]): string[] {
  const bind = (value: unknown) => `$${values.push(value)}`;
  return [
    'deleted_at IS NULL',
    ...(text === null ? [] : [hasText(bind(text.toLowerCase()))]),
    // Constants, so that the indexes of operators and of auditors alone serve them.
    ...(role === null ? [] : [OF_ROLE[role]]),
    ...(disabled === null ? [] : [`disabled_at IS ${disabled ? 'NOT ' : ''}NULL`]),
    ...(secondFactor === null ? [] : [secondFactor ? HAS_FACTOR : `NOT ${HAS_FACTOR}`]),
    ...(loggedIn === null ? [] : [loggedIn ? `NOT ${NEVER}` : NEVER]),
  ];
}
