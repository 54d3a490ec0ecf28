// An operator's change of an account's role or state: refused if the account is not as the operator saw it, recorded,
// and followed by the end of its sessions. The last operator who can act stays one.
import { Prisma } from '../../generated/prisma/client.ts';
import type { Actor, NewAuditEvent } from '../audit/events.ts';
import { recordEvent } from '../audit/outbox.ts';
import type { Database, Transaction } from '../platform/database.ts';
import { type Role, roleIn } from '../sessions/role.ts';
import type { EndReason } from '../sessions/session-record.ts';
import type { Sessions } from '../sessions/sessions.ts';
import { revokeTokensWithin } from './token-rows.ts';

export type AccountChangeResult =
  | { readonly ok: true }
  | { readonly ok: false; readonly reason: 'no_account' | 'unchanged' | 'last_operator' | 'changed_meanwhile' };

interface AccountChange {
  readonly userId: string;
  readonly changes: (account: LockedAccount) => boolean;
  /** Whether an operator who can act no longer can. */
  readonly takesOperator: boolean;
  readonly data: Prisma.UserUpdateManyMutationInput;
  readonly event: Pick<NewAuditEvent, 'type' | 'detail'>;
  readonly ends: EndReason | null;
  /** Whether programs may no longer read the log for it. */
  readonly endsTokens?: boolean;
  readonly by: Actor;
}

interface LockedAccount {
  readonly role: Role;
  readonly disabled: boolean;
  readonly version: number;
  readonly isLastOperator: boolean;
}

export function createAccountChange({ transact }: Database, sessions: Sessions) {
  return ({
    userId,
    changes,
    takesOperator,
    data,
    event,
    ends,
    endsTokens,
    by,
  }: AccountChange): Promise<AccountChangeResult> => {
    const { actor, origin, session = null, reason } = by;
    return transact<AccountChangeResult>(async (transaction) => {
      const account = await lockWithOperatorsWithin(transaction, userId);
      if (!account) return { ok: false, reason: 'no_account' };
      if (by.seen !== undefined && by.seen !== account.version) return { ok: false, reason: 'changed_meanwhile' };
      if (!changes(account)) return { ok: false, reason: 'unchanged' };
      if (takesOperator && account.isLastOperator) return { ok: false, reason: 'last_operator' };
      if (endsTokens) await revokeTokensWithin(transaction, userId, by);
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
  };
}

/** Locks an account and every operator who can act, in one order, and reads them as they are once the locks are held. */
export async function lockWithOperatorsWithin(transaction: Transaction, userId: string): Promise<LockedAccount | null> {
  const rows = await transaction.$queryRaw<{ id: string; role: Role; disabled: boolean; version: number }[]>`
    SELECT id, ${Prisma.raw(roleIn('user_account'))} AS role, disabled_at IS NOT NULL AS disabled, version FROM user_account
     WHERE deleted_at IS NULL AND (id = ${userId}::uuid OR (role = 'operator' AND disabled_at IS NULL))
     ORDER BY id FOR UPDATE`;
  const account = rows.find(({ id }) => id === userId);
  if (!account) return null;
  const acts = account.role === 'operator' && !account.disabled;
  return { ...account, isLastOperator: acts && rows.every(({ id }) => id === userId) };
}
