// Accounts: an address that is compared without case, a password's hash, a role. Every change records its event.
import { z } from 'zod';
import type { Prisma, Role, User } from '../generated/prisma/client.ts';
import type { NewAuditEvent, Origin } from './audit-events.ts';
import { type Database, isUniqueViolation, type Transaction } from './database.ts';
import { recordEvent } from './outbox.ts';
import { nudgeSealing, type Queues } from './queues.ts';
import type { EndedSession, EndReason } from './session-records.ts';
import type { Sessions } from './sessions.ts';

export type { Role, User };

/** RFC 5321 allows 254 characters. */
const emailSchema = z.email().max(254);

/** The address as it is kept, or null if it is none. */
export function readEmail(text: string): string | null {
  const trimmed = text.trim();
  return emailSchema.safeParse(trimmed).success ? trimmed : null;
}

/** What two spellings of one address have in common. */
export function emailKey(email: string): string {
  return email.trim().toLowerCase();
}

/** An account as it is listed: nothing that proves who somebody is. */
export type ListedUser = Pick<User, 'id' | 'email' | 'role' | 'disabledAt' | 'createdAt'>;

export type CreateUserResult =
  | { readonly ok: true; readonly user: User }
  | { readonly ok: false; readonly reason: 'email_taken' };

/** Who changes an account, and from where. */
export interface Actor {
  readonly actor: string | null;
  readonly origin: Origin;
}

interface AccountChange {
  readonly userId: string;
  readonly where: Prisma.UserWhereInput;
  readonly data: Prisma.UserUpdateManyMutationInput;
  readonly event: Pick<NewAuditEvent, 'type' | 'detail'>;
  readonly ends: EndReason | null;
  readonly by: Actor;
}

export interface UsersOptions {
  readonly database: Database;
  readonly sessions: Sessions;
  readonly queues: Queues;
}

export type Users = ReturnType<typeof createUsers>;

export function createUsers({ database: { prisma }, sessions, queues }: UsersOptions) {
  async function createWithin(
    transaction: Transaction,
    { email, passwordHash, role, origin }: { email: string; passwordHash: string; role: Role; origin: Origin },
  ): Promise<User> {
    const user = await transaction.user.create({ data: { email, emailKey: emailKey(email), passwordHash, role } });
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

  /** Changes an account that `where` still holds for, with its event, and ends its sessions if there is a reason to. */
  async function change({ userId, where, data, event, ends, by: { actor, origin } }: AccountChange): Promise<boolean> {
    const ended = await prisma.$transaction(async (transaction): Promise<EndedSession[] | null> => {
      const { count } = await transaction.user.updateMany({ where: { ...where, id: userId }, data });
      if (count === 0) return null;
      await recordEvent(transaction, { ...event, outcome: 'success', actor, subject: userId, origin });
      return ends === null ? [] : sessions.endWithin(transaction, { userId }, { reason: ends, actor, origin });
    });
    if (ended) await sessions.afterCommit(ended);
    return ended !== null;
  }

  return {
    createWithin,

    /** Makes an account. Of two that ask for one address at the same instant, one gets it. */
    async create(account: {
      email: string;
      passwordHash: string;
      role: Role;
      origin: Origin;
    }): Promise<CreateUserResult> {
      try {
        const user = await prisma.$transaction((transaction) => createWithin(transaction, account));
        nudgeSealing(queues);
        return { ok: true, user };
      } catch (error) {
        if (isUniqueViolation(error)) return { ok: false, reason: 'email_taken' };
        throw error;
      }
    },

    findByEmail(email: string): Promise<User | null> {
      return prisma.user.findUnique({ where: { emailKey: emailKey(email) } });
    },

    find(id: string): Promise<User | null> {
      return prisma.user.findUnique({ where: { id } });
    },

    /** E-mail addresses by account id, for those that exist. */
    async emails(ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
      const users = await prisma.user.findMany({
        where: { id: { in: [...new Set(ids)] } },
        select: { id: true, email: true },
      });
      return new Map(users.map((user) => [user.id, user.email]));
    },

    /** Accounts by address, those after a key, whose address holds the text; at most `limit`. */
    search({ text, after, limit }: { text: string; after: string; limit: number }): Promise<ListedUser[]> {
      const emailKey = { gt: after, ...(text === '' ? {} : { contains: text.toLowerCase() }) };
      const select = { id: true, email: true, role: true, disabledAt: true, createdAt: true };
      return prisma.user.findMany({ where: { emailKey }, orderBy: { emailKey: 'asc' }, take: limit, select });
    },

    /**
     * Gives an account a role. Its sessions end in the same transaction, so that the old role counts nowhere from the
     * next request on; the person logs in again. False if there is no such account, or nothing to change.
     */
    setRole(userId: string, role: Role, by: Actor): Promise<boolean> {
      const event = { type: 'privilege_permissions_changed', detail: { role } } as const;
      return change({ userId, where: { role: { not: role } }, data: { role }, event, ends: 'role_changed', by });
    },

    /**
     * Disables an account, which ends its sessions in the same transaction and refuses every log-in, or enables it again.
     * False if there is no such account, or nothing to change.
     */
    setDisabled(userId: string, disabled: boolean, by: Actor): Promise<boolean> {
      return change({
        userId,
        where: { disabledAt: disabled ? null : { not: null } },
        data: { disabledAt: disabled ? new Date() : null },
        event: { type: disabled ? 'user_disabled' : 'user_enabled' },
        ends: disabled ? 'account_disabled' : null,
        by,
      });
    },
  };
}
