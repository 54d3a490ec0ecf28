// "This wasn't me", from the page of one's activity: whoever presses it has proved again who they are. Every other session
// ends, every known browser is forgotten, every API token revoked, and an address that was to become the account's does not. A
// new password is theirs to choose, on the page that follows.
import { revokeTokensWithin } from '../accounts/token-rows.ts';
import { lockUserWithin } from '../accounts/users.ts';
import type { Origin } from '../audit/events.ts';
import { recordEvent } from '../audit/outbox.ts';
import type { OneTimeLinks } from '../credentials/one-time-links.ts';
import type { Database } from '../platform/database.ts';
import type { Sessions } from '../sessions/sessions.ts';
import type { KnownDevices } from '../throttle/known-devices.ts';
import { takeEmailChangeBackWithin } from './pending-email-change.ts';

export interface DisownedLogin {
  readonly userId: string;
  /** Of whoever disowns, which goes on. */
  readonly sessionId: string;
  /** The session that the log-in began; null where nothing is known of it. */
  readonly login: string | null;
  readonly origin: Origin;
}

export interface DisownLoginOptions {
  readonly database: Database;
  readonly sessions: Sessions;
  readonly devices: KnownDevices;
  readonly links: OneTimeLinks;
}

export function createDisownLogin({ database: { transact }, sessions, devices, links }: DisownLoginOptions) {
  return ({ userId, sessionId, login, origin }: DisownedLogin): Promise<void> =>
    transact(async (transaction) => {
      if (!(await lockUserWithin(transaction, userId))) return; // deleted meanwhile
      const detail = { factors: 'kept', proof: 'session' } as const;
      const about = { actor: userId, subject: userId, session: login, origin, detail };
      await recordEvent(transaction, { type: 'authn_login_disowned', outcome: 'success', ...about });
      const by = { actor: userId, session: sessionId, origin };
      await takeEmailChangeBackWithin(transaction, links, userId, by);
      const others = { userId, exceptSessionId: sessionId };
      await sessions.endWithin(transaction, others, { reason: 'revoked', actor: userId, origin, browsersStay: true });
      await devices.forgetAllWithin(transaction, userId, by);
      await revokeTokensWithin(transaction, userId, { ...by, reason: 'login_disowned' });
    });
}
