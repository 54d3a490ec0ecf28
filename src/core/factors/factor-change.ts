// One change of an account's second factors as a whole: the account is locked, the change, a new session in place of the one it was
// done in, its event and its mail are one transaction, and the first factor ends every other session: they proved less than is
// asked from now on.
import type { Origin } from '../audit/events.ts';
import { recordEvent } from '../audit/outbox.ts';
import type { Mail } from '../mail/outgoing-mail.ts';
import type { FactorChange, Told } from '../mail/templates.ts';
import type { Database, Transaction } from '../platform/database.ts';
import type { AuthenticationMethod } from '../sessions/authentication-method.ts';
import type { NewSession, Sessions } from '../sessions/sessions.ts';
import type { KnownDevices } from '../throttle/known-devices.ts';

/** Who changes their own factors, and in which session. */
export interface Changer {
  readonly userId: string;
  readonly sessionId: string;
  readonly origin: Origin;
  /** For the mail that tells of it. */
  readonly told: Told;
}

/** Undoes a transaction, and says why. */
export class Refused extends Error {
  readonly reason: 'wrong' | 'exists' | 'too_many' | 'required' | 'no_factor' | 'session_ended';

  constructor(reason: Refused['reason']) {
    super(reason);
    this.reason = reason;
  }
}

export interface FactorChangeOptions {
  readonly database: Database;
  readonly sessions: Sessions;
  readonly devices: KnownDevices;
  readonly mail: Mail;
}

export function createFactorChange({ database: { transact }, sessions, devices, mail }: FactorChangeOptions) {
  return {
    /** Does a change. The account stays locked, so that changes of its factors come one after the other. @throws Refused */
    async change(
      { userId, sessionId, origin }: Changer,
      proved: AuthenticationMethod | null,
      work: (transaction: Transaction, about: About) => Promise<void>,
    ): Promise<NewSession> {
      return transact(async (transaction) => {
        const before = await lockWithin(transaction, userId);
        await work(transaction, { ...before, actor: userId, subject: userId, session: sessionId, origin });
        const first = proved !== null && before.count === 0;
        const which = { userId, exceptSessionId: sessionId };
        const reason = { reason: 'second_factor_added', actor: userId, origin } as const;
        if (first) await sessions.endWithin(transaction, which, reason);
        // They became known by a password alone, and from now on each has tries of its own at a code.
        if (first) await devices.forgetAllWithin(transaction, userId, { actor: userId, session: sessionId, origin });
        const replaced = await sessions.replaceWithin(transaction, {
          sessionId,
          userId,
          origin,
          ...(proved === null ? {} : { proved }),
        });
        if (!replaced) throw new Refused('session_ended');
        return replaced;
      });
    },

    tellWithin(transaction: Transaction, changer: Changer, to: string, change: FactorChange): Promise<void> {
      const { language, from } = changer.told;
      const letter = { to, userId: changer.userId, language, parameters: { ...from, change } };
      return mail.sendWithin(transaction, { ...letter, template: 'factor-changed' });
    },
  };
}

/** What is known of the account while it is locked, and who acts. */
export interface About extends Locked {
  readonly actor: string;
  readonly subject: string;
  readonly session: string;
  readonly origin: Origin;
}

interface Locked {
  readonly email: string;
  readonly role: 'member' | 'operator';
  readonly passkeys: number;
  /** All second factors. */
  readonly count: number;
}

/** @throws Refused when there is no such account, or no longer. */
export async function lockWithin(transaction: Transaction, userId: string): Promise<Locked> {
  const [account] = await transaction.$queryRaw<Pick<Locked, 'email' | 'role'>[]>`
    SELECT email, role FROM user_account WHERE id = ${userId}::uuid AND deleted_at IS NULL FOR UPDATE`;
  if (!account) throw new Refused('session_ended');
  return { ...account, ...(await countWithin(transaction, userId)) };
}

async function countWithin(transaction: Transaction, userId: string): Promise<Pick<Locked, 'passkeys' | 'count'>> {
  const [apps, passkeys] = await Promise.all([
    transaction.totp.count({ where: { userId } }),
    transaction.passkey.count({ where: { userId } }),
  ]);
  return { passkeys, count: apps + passkeys };
}

/**
 * Takes back what was set up since somebody else logged in: the second factors and the recovery codes made from then on, and
 * with the last factor all codes. Recorded, and told by mail. The caller holds the lock of the account.
 */
export async function removeNewerWithin(
  transaction: Transaction,
  { userId, email, since, origin, told }: { userId: string; email: string; since: Date; origin: Origin; told: Told },
  mail: Mail,
): Promise<void> {
  const newer = { userId, createdAt: { gte: since } };
  const totp = await transaction.totp.deleteMany({ where: newer });
  const keys = await transaction.passkey.deleteMany({ where: newer });
  if (totp.count + keys.count === 0) return;
  const left = await countWithin(transaction, userId);
  await transaction.recoveryCode.deleteMany({ where: left.count === 0 ? { userId } : newer });
  const detail = { factor: 'all', since: since.toISOString(), passkeys: keys.count, totp: totp.count };
  const about = { actor: userId, subject: userId, origin, detail };
  await recordEvent(transaction, { type: 'authn_factor_removed', outcome: 'success', ...about });
  const letter = {
    to: email,
    userId,
    language: told.language,
    parameters: { ...told.from, change: 'newer_removed' },
  } as const;
  await mail.sendWithin(transaction, { ...letter, template: 'factor-changed' });
}

/** For the event of a change. */
export function byWhom({ actor, subject, session, origin }: About) {
  return { actor, subject, session, origin };
}

/** The reason of a refusal that the caller knows; whatever else was thrown goes on. */
export function refusal<R extends Refused['reason']>(error: unknown, known: readonly R[]): { ok: false; reason: R } {
  const reason = error instanceof Refused ? known.find((one) => one === error.reason) : undefined;
  if (reason === undefined) throw error;
  return { ok: false, reason };
}
