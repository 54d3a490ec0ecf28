// Accounts: an address that is compared without case, a password's hash, a role. Every change records its event.
import type { Prisma, Role, User } from '../../generated/prisma/client.ts';
import type { Actor, NewAuditEvent, Origin } from '../audit/events.ts';
import { recordEvent } from '../audit/outbox.ts';
import { type Database, isUniqueViolation, type Transaction } from '../platform/database.ts';
import { emailKey } from '../platform/email-address.ts';
import type { Language } from '../platform/languages.ts';
import type { EndReason } from '../sessions/session-table.ts';
import type { Sessions } from '../sessions/sessions.ts';

export type { Role, User };

/** An account as it is listed: nothing that proves who somebody is. */
export type ListedUser = Pick<User, 'id' | 'email' | 'role' | 'disabledAt' | 'createdAt'>;

export type CreateUserResult =
  | { readonly ok: true; readonly user: User }
  | { readonly ok: false; readonly reason: 'email_taken' };

export interface NewUser {
  readonly email: string;
  readonly passwordHash: string;
  readonly role: Role;
  /** In which its mails are written; without it, as whoever acts reads. */
  readonly language?: Language | null;
  readonly origin: Origin;
}

export type AccountChangeResult =
  | { readonly ok: true }
  | { readonly ok: false; readonly reason: 'no_account' | 'unchanged' | 'last_operator' | 'changed_meanwhile' };

interface AccountChange {
  readonly userId: string;
  /** Whether there is something to change. */
  readonly changes: (account: LockedAccount) => boolean;
  /** Whether an operator who may act is one no longer. */
  readonly takesOperator: boolean;
  readonly data: Prisma.UserUpdateManyMutationInput;
  readonly event: Pick<NewAuditEvent, 'type' | 'detail'>;
  readonly ends: EndReason | null;
  readonly by: Actor;
}

export interface UsersOptions {
  readonly database: Database;
  readonly sessions: Sessions;
}

export type Users = ReturnType<typeof createUsers>;

export function createUsers({ database: { prisma, pool, transact }, sessions }: UsersOptions) {
  async function createWithin(
    transaction: Transaction,
    { email, passwordHash, role, language = null, origin }: NewUser,
  ): Promise<User> {
    const data = { email, emailKey: emailKey(email), passwordHash, role, language };
    const user = await transaction.user.create({ data });
    await recordEvent(transaction, {
      type: 'user_created',
      outcome: 'success',
      actor: origin.requestId ? user.id : null,
      subject: user.id,
      origin,
      detail: { role },
    });
    return user;
  }

  /** Changes an account that is as the operator saw it, with its event, and ends its sessions if there is a reason to. */
  async function change({ userId, changes, takesOperator, data, event, ends, by }: AccountChange) {
    const { actor, origin, session = null, reason } = by;
    return transact<AccountChangeResult>(async (transaction) => {
      const account = await lockAccount(transaction, userId);
      if (!account) return { ok: false, reason: 'no_account' };
      if (by.seen !== undefined && by.seen !== account.version) return { ok: false, reason: 'changed_meanwhile' };
      if (!changes(account)) return { ok: false, reason: 'unchanged' };
      if (takesOperator && account.isLastOperator) return { ok: false, reason: 'last_operator' };
      await transaction.user.update({ where: { id: userId }, data: { ...data, version: { increment: 1 } } });
      const detail = { ...event.detail, ...(reason ? { reason } : {}) };
      await recordEvent(transaction, {
        ...event,
        outcome: 'success',
        actor,
        subject: userId,
        session,
        origin,
        detail,
      });
      const why = { actor, origin, ...(reason ? { note: reason } : {}) };
      if (ends) await sessions.endWithin(transaction, { userId }, { ...why, reason: ends });
      return { ok: true };
    });
  }

  return {
    createWithin,

    /** Makes an account. Of two that ask for one address at the same instant, one gets it. */
    async create(account: NewUser): Promise<CreateUserResult> {
      try {
        const user = await transact((transaction) => createWithin(transaction, account));
        return { ok: true, user };
      } catch (error) {
        if (isUniqueViolation(error)) return { ok: false, reason: 'email_taken' };
        throw error;
      }
    },

    async findByEmail(email: string): Promise<User | null> {
      const { rows } = await pool.query<User>({
        name: 'user-by-email',
        text: `SELECT id, email, email_key AS "emailKey", password_hash AS "passwordHash", role, disabled_at AS "disabledAt",
                      deleted_at AS "deletedAt", password_changed_at AS "passwordChangedAt", created_at AS "createdAt",
                      language, version
                 FROM user_account WHERE email_key = $1 AND deleted_at IS NULL`,
        values: [emailKey(email)],
      });
      return rows[0] ?? null;
    },

    find(id: string): Promise<User | null> {
      return prisma.user.findUnique({ where: { id, deletedAt: null } });
    },

    /** E-mail addresses by account id, for those that exist. */
    async emails(ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
      const users = await prisma.user.findMany({
        where: { id: { in: [...new Set(ids)] }, deletedAt: null },
        select: { id: true, email: true },
      });
      return new Map(users.map((user) => [user.id, user.email]));
    },

    /**
     * Gives an account a role. Its sessions end in the same transaction, so that the old role counts nowhere from the
     * next request on; the person logs in again. The last operator stays one.
     */
    setRole(userId: string, role: Role, by: Actor): Promise<AccountChangeResult> {
      return change({
        userId,
        changes: (account) => account.role !== role,
        takesOperator: role !== 'operator',
        data: { role },
        event: { type: 'privilege_permissions_changed', detail: { role } },
        ends: 'role_changed',
        by,
      });
    },

    /**
     * Disables an account, which ends its sessions in the same transaction and refuses every log-in, or enables it again.
     * The last operator can't be disabled.
     */
    setDisabled(userId: string, disabled: boolean, by: Actor): Promise<AccountChangeResult> {
      return change({
        userId,
        changes: (account) => account.disabled !== disabled,
        takesOperator: disabled,
        data: { disabledAt: disabled ? new Date() : null },
        event: { type: disabled ? 'user_disabled' : 'user_enabled' },
        ends: disabled ? 'account_disabled' : null,
        by,
      });
    },

    /** Keeps the language that the owner of an account has chosen. The same once more changes nothing. */
    async setLanguage(userId: string, language: Language, { origin, session = null }: Actor): Promise<void> {
      await transact(async (transaction) => {
        const where = { id: userId, deletedAt: null, OR: [{ language: null }, { language: { not: language } }] };
        const { count } = await transaction.user.updateMany({ where, data: { language } });
        const about = { actor: userId, subject: userId, session, origin, detail: { language } };
        if (count > 0) await recordEvent(transaction, { type: 'user_language_changed', outcome: 'success', ...about });
      });
    },

    /**
     * Whether an account is the last operator who can act, for whoever is about to delete it in this transaction. Until
     * its end nobody else can take an operator away, so that of two who try at once the second is told the truth.
     */
    async isLastOperatorWithin(transaction: Transaction, userId: string): Promise<boolean> {
      return (await lockAccount(transaction, userId))?.isLastOperator ?? false;
    },
  };
}

interface LockedAccount {
  readonly role: Role;
  readonly disabled: boolean;
  readonly version: number;
  readonly isLastOperator: boolean;
}

/** Locks an account and every operator who can act, in one order, and reads them as they are once the locks are held. */
async function lockAccount(transaction: Transaction, userId: string): Promise<LockedAccount | null> {
  const rows = await transaction.$queryRaw<{ id: string; role: Role; disabled: boolean; version: number }[]>`
    SELECT id, role, disabled_at IS NOT NULL AS disabled, version FROM user_account
     WHERE deleted_at IS NULL AND (id = ${userId}::uuid OR (role = 'operator' AND disabled_at IS NULL))
     ORDER BY id FOR UPDATE`;
  const account = rows.find(({ id }) => id === userId);
  if (!account) return null;
  const acts = account.role === 'operator' && !account.disabled;
  return { ...account, isLastOperator: acts && rows.every(({ id }) => id === userId) };
}
