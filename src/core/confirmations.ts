// Proving again who one is, in a session that began a while ago: before an act that matters. A session's age is that of its
// last proof, so a new one takes the place of the old (ASVS 7.2.4), with a new token.
import type { BlockNote, Origin } from './audit-events.ts';
import type { Database } from './database.ts';
import { recordEvent } from './outbox.ts';
import type { Passwords } from './passwords.ts';
import { nudgeSealing, type Queues } from './queues.ts';
import type { NewSession, Sessions } from './sessions.ts';
import type { Throttle } from './throttle.ts';
import { settled, type Throttled, type ThrottleEvents } from './throttle-events.ts';
import type { Users } from './users.ts';

export interface Confirmation {
  readonly userId: string;
  readonly sessionId: string;
  readonly password: string;
  readonly origin: Origin;
}

export type ConfirmationResult =
  | { readonly ok: true; readonly session: NewSession }
  | { readonly ok: false; readonly reason: 'wrong_password' | 'session_ended' }
  | Throttled;

export interface ConfirmationsOptions {
  readonly database: Database;
  readonly users: Users;
  readonly sessions: Sessions;
  readonly passwords: Passwords;
  readonly queues: Queues;
  readonly throttle: Throttle;
  readonly throttleEvents: ThrottleEvents;
}

export type Confirmations = ReturnType<typeof createConfirmations>;

export function createConfirmations({
  database: { prisma },
  users,
  sessions,
  passwords,
  queues,
  throttle,
  throttleEvents: { recordBlocks, refuse },
}: ConfirmationsOptions) {
  async function tryPassword(
    { userId, sessionId, password, origin }: Confirmation,
    blocks: readonly BlockNote[],
  ): Promise<ConfirmationResult> {
    const user = await users.find(userId);
    const about = { actor: userId, subject: userId, session: sessionId, origin, detail: { by: 'password' } } as const;
    if (!(await passwords.verify(user?.passwordHash ?? null, password))) {
      await prisma.$transaction(async (transaction) => {
        await recordEvent(transaction, { type: 'authn_confirm_fail', outcome: 'failure', ...about });
        await recordBlocks(transaction, blocks, userId, origin);
      });
      nudgeSealing(queues);
      return { ok: false, reason: 'wrong_password' };
    }
    const replacement = await prisma.$transaction(async (transaction) => {
      const replaced = await sessions.replaceWithin(transaction, { sessionId, userId, origin });
      if (replaced) await recordEvent(transaction, { type: 'authn_confirm_success', outcome: 'success', ...about });
      return replaced;
    });
    if (!replacement) return { ok: false, reason: 'session_ended' };
    await sessions.replaced(replacement);
    return { ok: true, session: replacement.session };
  }

  return {
    /** By the password; throttled together with changes of it, because both try the same secret. */
    async confirm(confirmation: Confirmation): Promise<ConfirmationResult> {
      const { userId, origin } = confirmation;
      const taken = await throttle.takePasswordChange(userId);
      if (!taken.ok) return refuse(taken, userId, origin);
      return settled(taken, () => tryPassword(confirmation, taken.blocks));
    },
  };
}
