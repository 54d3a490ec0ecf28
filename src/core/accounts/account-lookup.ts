// Accounts as they are looked up by address or id, and what there is of one: for whoever only reads.
import { validate } from 'uuid';
import type { User as UserRecord } from '../../generated/prisma/client.ts';
import { isNoPassword } from '../credentials/no-password.ts';
import type { Database } from '../platform/database.ts';
import { emailKey } from '../platform/email-address.ts';
import { type Role, roleIn, roleOf } from '../sessions/role.ts';

/** An account with its role as it counts. */
export type User = Omit<UserRecord, 'role' | 'auditor'> & { readonly role: Role };

export function withRole({ role, auditor, ...user }: UserRecord): User {
  return { ...user, role: roleOf({ role, auditor }) };
}

export const USER_COLUMNS = `
  id, email, email_key AS "emailKey", password_hash AS "passwordHash", ${roleIn('user_account')} AS role, disabled_at AS "disabledAt",
  deleted_at AS "deletedAt", password_changed_at AS "passwordChangedAt", created_at AS "createdAt",
  first_login_at AS "firstLoginAt", last_login_at AS "lastLoginAt", browser_hash AS "browserHash", language, version, external_id AS "externalId"`;

/** What protects an account, and who may be in it. */
export interface Belongings {
  readonly authenticatorApp: boolean;
  readonly passkeys: number;
  readonly recoveryCodes: number;
  readonly knownBrowsers: number;
}

/**
 * `imported`: as another system kept it, by the scheme named, until its owner logs in once. `none`: they came without one. A
 * password that was made worthless is `own`: nothing tells it from others.
 */
export type PasswordState = { readonly kind: 'own' | 'none' } | { readonly kind: 'imported'; readonly scheme: string };

export function createAccountLookup({ pool }: Pick<Database, 'pool'>) {
  async function one(name: string, where: string, value: string): Promise<User | null> {
    const text = `SELECT ${USER_COLUMNS} FROM user_account WHERE ${where} AND deleted_at IS NULL`;
    return (await pool.query<User>({ name, text, values: [value] })).rows[0] ?? null;
  }

  const findByEmail = (email: string) => one('user-by-email', 'email_key = $1', emailKey(email));

  return {
    findByEmail,

    /** By what an operator types: an e-mail address, or the id that lists and events show. */
    findNamed: (who: string) => (validate(who) ? one('user-by-id', 'id = $1::uuid', who) : findByEmail(who)),

    /** By account id, also of the invited, whose accounts are still to be made; deleted accounts are missing. */
    async emails(ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
      if (ids.length === 0) return new Map();
      const { rows } = await pool.query<{ id: string; email: string }>({
        name: 'user-emails',
        text: `SELECT id, email FROM user_account WHERE id = ANY ($1::uuid[]) AND deleted_at IS NULL
               UNION ALL
               SELECT id, email FROM registration WHERE id = ANY ($1::uuid[]) AND password_hash IS NULL`,
        values: [[...new Set(ids)]],
      });
      return new Map(rows.map(({ id, email }) => [id, email]));
    },

    async passwordState({ id, passwordHash }: Pick<User, 'id' | 'passwordHash'>): Promise<PasswordState> {
      if (!isNoPassword(passwordHash)) return { kind: 'own' };
      const text = 'SELECT scheme FROM imported_password WHERE user_id = $1';
      const { rows } = await pool.query<{ scheme: string }>(text, [id]);
      return rows[0] ? { kind: 'imported', ...rows[0] } : { kind: 'none' };
    },

    async belongings(id: string): Promise<Belongings> {
      const { rows } = await pool.query<Belongings>(BELONGINGS, [id]);
      return rows[0] ?? { authenticatorApp: false, passkeys: 0, recoveryCodes: 0, knownBrowsers: 0 };
    },
  };
}

const BELONGINGS = `
  SELECT EXISTS (SELECT FROM totp WHERE user_id = $1) AS "authenticatorApp",
         (SELECT count(*) FROM passkey WHERE user_id = $1)::int AS passkeys,
         (SELECT count(*) FROM recovery_code WHERE user_id = $1 AND used_at IS NULL)::int AS "recoveryCodes",
         (SELECT count(*) FROM known_device WHERE user_id = $1 AND revoked_at IS NULL)::int AS "knownBrowsers"`;
