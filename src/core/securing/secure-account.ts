// Securing an account that somebody else may have got into. In one transaction every session of it ends, also at applications,
// its password is worthless, no browser is known to it, no API token reads for it, and its owner is mailed a link to a new password. Its second factors
// stay unless the operator says otherwise: a passkey still logs in.
import { Prisma } from '../../generated/prisma/client.ts';
import { revokeTokensWithin } from '../accounts/token-rows.ts';
import { voidPasswordWithin } from '../accounts/users.ts';
import type { Actor } from '../audit/events.ts';
import { recordEvent } from '../audit/outbox.ts';
import { bindingOf, type OneTimeLinks } from '../credentials/one-time-links.ts';
import type { HashingCost } from '../credentials/passwords.ts';
import { countWithin } from '../factors/factor-change.ts';
import { deleteFactorsWithin } from '../factors/factor-removal.ts';
import type { Mail } from '../mail/outgoing-mail.ts';
import type { Database, Transaction } from '../platform/database.ts';
import type { Language } from '../platform/languages.ts';
import type { Sessions } from '../sessions/sessions.ts';
import type { KnownDevices } from '../throttle/known-devices.ts';

export interface Securing {
  readonly userId: string;
  readonly by: Actor;
  readonly removesFactors?: boolean;
  /** The order that it is a part of (secure-many.ts). */
  readonly order?: string;
}

/** `mailed`: whether its owner gets a link; else they need one from an operator. */
export type Secured =
  | { readonly ok: true; readonly sessions: number; readonly browsers: number; readonly mailed: boolean }
  | { readonly ok: false; readonly reason: 'no_account' | 'changed_meanwhile' };

export interface SecureAccountOptions {
  readonly database: Database;
  readonly sessions: Sessions;
  readonly devices: KnownDevices;
  readonly links: OneTimeLinks;
  readonly mail: Mail;
  readonly cost: HashingCost;
  /** Of mail to somebody whose language is not known. */
  readonly language: Language;
}

export type SecureAccount = ReturnType<typeof createSecureAccount>;

interface LockedAccount {
  readonly email: string;
  readonly emailKey: string;
  readonly disabled: boolean;
  readonly version: number;
}

export function createSecureAccount(options: SecureAccountOptions) {
  const { database, sessions, devices, links, mail, cost, language } = options;

  /** A link is of no use to an account that is disabled. */
  async function tellWithin(
    transaction: Transaction,
    userId: string,
    account: LockedAccount & { readonly passwordHash: string },
    factors: 'kept' | 'removed',
  ): Promise<boolean> {
    if (!mail.possible) return false;
    const link = { purpose: 'reset_password', userId, binding: bindingOf(account) } as const;
    const tokenId = account.disabled ? {} : { tokenId: await links.issueWithin(transaction, link) };
    const letter = { to: account.email, userId, language, parameters: { factors }, ...tokenId };
    await mail.sendWithin(transaction, { ...letter, template: 'account-secured' });
    return !account.disabled;
  }

  async function secureWithin(
    transaction: Transaction,
    { userId, by, removesFactors, order }: Securing,
  ): Promise<Secured> {
    const { actor, origin, session = null, reason } = by;
    const account = await lockWithin(transaction, userId);
    if (!account) return { ok: false, reason: 'no_account' };
    if (by.seen !== undefined && by.seen !== account.version) return { ok: false, reason: 'changed_meanwhile' };
    const passwordHash = await voidPasswordWithin(transaction, userId, cost);
    if (passwordHash === null) return { ok: false, reason: 'no_account' };
    const removed = removesFactors === true && (await removeFactorsWithin(transaction, userId, by));
    const why = { reason: 'revoked_by_operator', actor, origin, ...(reason ? { note: reason } : {}) } as const;
    const ended = await sessions.endWithin(transaction, { userId }, { ...why, browsersStay: true });
    const browsers = await devices.forgetAllWithin(transaction, userId, by);
    await revokeTokensWithin(transaction, userId, by);
    const factors = removed ? 'removed' : 'kept';
    const mailed = await tellWithin(transaction, userId, { ...account, passwordHash }, factors);
    const counts = { sessions: ended.length, browsers, factors, mailed };
    const detail = { ...(reason ? { reason } : {}), ...counts, ...(order ? { order } : {}) };
    const about = { actor, subject: userId, session, origin, detail };
    await recordEvent(transaction, { type: 'user_secured', outcome: 'success', ...about });
    return { ok: true, sessions: ended.length, browsers, mailed };
  }

  return {
    /** In the caller's transaction. `by.seen`, where it is given, must be the account's version. */
    secureWithin,

    /** Throws where PostgreSQL is away: then nothing was done. */
    secure: (securing: Securing): Promise<Secured> =>
      database.transact((transaction) => secureWithin(transaction, securing)),
  };
}

/** The account before its sessions, as in everything that changes it. Reads no hash: the worker may not. */
async function lockWithin(transaction: Transaction, userId: string): Promise<LockedAccount | null> {
  const [row] = await transaction.$queryRaw<LockedAccount[]>(Prisma.sql`
    SELECT email, email_key AS "emailKey", disabled_at IS NOT NULL AS disabled, version FROM user_account
     WHERE id = ${userId}::uuid AND deleted_at IS NULL FOR UPDATE`);
  return row ?? null;
}

/** False where there was none. */
async function removeFactorsWithin(
  transaction: Transaction,
  userId: string,
  { actor, session = null, origin, reason }: Actor,
): Promise<boolean> {
  const { passkeys, count } = await countWithin(transaction, userId);
  await deleteFactorsWithin(transaction, userId);
  if (count === 0) return false;
  const detail = { factor: 'all', passkeys, totp: count - passkeys, ...(reason ? { reason } : {}) };
  const about = { actor, subject: userId, session, origin, detail };
  await recordEvent(transaction, { type: 'authn_factor_removed', outcome: 'success', ...about });
  return true;
}
