// Accounts: an address that is compared without case, a password's hash, a role. Every change records its event.
import { Prisma } from '../../generated/prisma/client.ts';
import type { Actor, Origin } from '../audit/events.ts';
import { recordEvent } from '../audit/outbox.ts';
import type { HashingCost } from '../credentials/passwords.ts';
import { ago, type Database, isUniqueViolation, type Transaction } from '../platform/database.ts';
import { emailKey } from '../platform/email-address.ts';
import type { Language } from '../platform/languages.ts';
import { type Role, storedRole } from '../sessions/role.ts';
import type { Sessions } from '../sessions/sessions.ts';
import { type AccountChangeResult, createAccountChange, lockWithOperatorsWithin } from './account-change.ts';
import { createAccountLookup, USER_COLUMNS, type User, withRole } from './account-lookup.ts';

export type { Role, User };

/** An account as it is listed: nothing that proves who somebody is. */
export type ListedUser = Pick<User, 'id' | 'email' | 'role' | 'disabledAt' | 'createdAt'>;

export type CreateUserResult =
  | { readonly ok: true; readonly user: User }
  | { readonly ok: false; readonly reason: 'email_taken' };

export interface NewUser {
  /** That an invitation was recorded under; without it a new one. */
  readonly id?: string;
  readonly email: string;
  readonly passwordHash: string;
  readonly role: Role;
  /** In which its mails are written; without it, as whoever acts reads. */
  readonly language?: Language | null;
  /** Of the browser that makes it. */
  readonly browserHash?: Uint8Array<ArrayBuffer> | null;
  readonly origin: Origin;
}

export interface UsersOptions {
  readonly database: Database;
  readonly sessions: Sessions;
}

export type Users = ReturnType<typeof createUsers>;

export function createUsers({ database, sessions }: UsersOptions) {
  const { prisma, transact, clock } = database;
  const change = createAccountChange(database, sessions);

  async function createWithin(
    transaction: Transaction,
    { id, email, passwordHash, role, language = null, browserHash = null, origin }: NewUser,
  ): Promise<User> {
    const named = { email, emailKey: emailKey(email), passwordHash, ...storedRole(role), language, browserHash };
    const data = id === undefined ? named : { ...named, id };
    const user = withRole(await transaction.user.create({ data }));
    const actor = origin.requestId ? user.id : null;
    const about = { actor, subject: user.id, origin, detail: { role } };
    await recordEvent(transaction, { type: 'user_created', outcome: 'success', ...about });
    return user;
  }

  return {
    ...createAccountLookup(database),

    createWithin,

    /** Of two that ask for one address at the same instant, one gets it. */
    async create(account: NewUser): Promise<CreateUserResult> {
      try {
        const user = await transact((transaction) => createWithin(transaction, account));
        return { ok: true, user };
      } catch (error) {
        if (isUniqueViolation(error)) return { ok: false, reason: 'email_taken' };
        throw error;
      }
    },

    /** Whether an account was made no longer ago than that. */
    async isYoung(id: string, withinMs: number): Promise<boolean> {
      const [row] = await prisma.$queryRaw<{ young: boolean }[]>`
        SELECT created_at BETWEEN ${ago(withinMs)} AND clock_timestamp() AS young FROM user_account WHERE id = ${id}::uuid`;
      return row?.young ?? false;
    },

    async find(id: string): Promise<User | null> {
      const found = await prisma.user.findUnique({ where: { id, deletedAt: null } });
      return found && withRole(found);
    },

    /** When an account was deleted, while anything is left of its row. */
    async deletedAt(id: string): Promise<Date | null> {
      return (await prisma.user.findUnique({ where: { id }, select: { deletedAt: true } }))?.deletedAt ?? null;
    },

    /** Ends its sessions, so that the old role counts nowhere. */
    setRole(userId: string, role: Role, by: Actor): Promise<AccountChangeResult> {
      return change({
        userId,
        changes: (account) => account.role !== role,
        takesOperator: role !== 'operator',
        data: storedRole(role),
        event: { type: 'privilege_permissions_changed', detail: { role } },
        ends: 'role_changed',
        endsTokens: role === 'member',
        by,
      });
    },

    /** Disabling ends its sessions and API tokens, which enabling does not bring back, and refuses every log-in. */
    setDisabled(userId: string, disabled: boolean, by: Actor): Promise<AccountChangeResult> {
      return change({
        userId,
        changes: (account) => account.disabled !== disabled,
        takesOperator: disabled,
        data: { disabledAt: disabled ? clock.now() : null },
        event: { type: disabled ? 'user_disabled' : 'user_enabled' },
        ends: disabled ? 'account_disabled' : null,
        endsTokens: disabled,
        by,
      });
    },

    /** The owner's choice. The same once more changes nothing. */
    async setLanguage(userId: string, language: Language, { origin, session = null }: Actor): Promise<void> {
      await transact(async (transaction) => {
        const where = { id: userId, deletedAt: null, OR: [{ language: null }, { language: { not: language } }] };
        const { count } = await transaction.user.updateMany({ where, data: { language } });
        const about = { actor: userId, subject: userId, session, origin, detail: { language } };
        if (count > 0) await recordEvent(transaction, { type: 'user_language_changed', outcome: 'success', ...about });
      });
    },

    /** Until the transaction's end nobody else can take an operator away, so the answer stays true. */
    async isLastOperatorWithin(transaction: Transaction, userId: string): Promise<boolean> {
      return (await lockWithOperatorsWithin(transaction, userId))?.isLastOperator ?? false;
    },
  };
}

/**
 * Locks an account until the transaction's end and reads it as it is then; null where there is none. Whatever changes an
 * account takes this lock first, and those of its sessions and links after: in another order, two would wait for each other.
 */
export async function lockUserWithin(transaction: Transaction, userId: string): Promise<User | null> {
  const [user] = await transaction.$queryRaw<User[]>`
    SELECT ${Prisma.raw(USER_COLUMNS)} FROM user_account WHERE id = ${userId}::uuid AND deleted_at IS NULL FOR UPDATE`;
  return user ?? null;
}

/**
 * Notes that somebody logs in to an account for the first time; false if that was before. First of all in its transaction:
 * two that held the account's lock already would wait for each other.
 */
export async function noteFirstLoginWithin(transaction: Transaction, userId: string): Promise<boolean> {
  const noted = await transaction.$executeRaw`
    UPDATE user_account SET first_login_at = clock_timestamp() WHERE id = ${userId}::uuid AND first_login_at IS NULL`;
  return noted > 0;
}

/** The caller holds the lock, records the event, and ends the sessions. */
export async function replacePasswordWithin(
  transaction: Transaction,
  userId: string,
  passwordHash: string,
): Promise<void> {
  await transaction.$executeRaw`
    UPDATE user_account SET password_hash = ${passwordHash}, password_changed_at = clock_timestamp()
     WHERE id = ${userId}::uuid`;
}

/**
 * Makes an account's password worthless, whichever system it came from, and moves its version; returns the hash that stands
 * in its place. Null for no account. The caller holds the lock, records the event, and ends the sessions.
 */
export async function voidPasswordWithin(
  transaction: Transaction,
  userId: string,
  { memoryKib, passes, lanes }: HashingCost,
): Promise<string | null> {
  const [row] = await transaction.$queryRaw<{ voided: string | null }[]>`
    SELECT account_void_password(${userId}::uuid, ${memoryKib}::int, ${passes}::int, ${lanes}::int) AS voided`;
  return row?.voided ?? null;
}

/** Null too if it may no longer log in, or its password or address is another than what was read. */
export async function lockUnchangedWithin(transaction: Transaction, read: User): Promise<User | null> {
  const user = await lockUserWithin(transaction, read.id);
  if (!user || user.disabledAt) return null;
  return user.passwordHash === read.passwordHash && user.emailKey === read.emailKey ? user : null;
}
