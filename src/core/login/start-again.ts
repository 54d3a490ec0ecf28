// Begins the session of a log-in anew for a browser that never got its cookie: the answer to the
// first sending of its form was dropped for a second one.
import type { Users } from '../accounts/users.ts';
import type { IdentifierHash } from '../credentials/identifier-hash.ts';
import type { Database } from '../platform/database.ts';
import type { Sessions } from '../sessions/sessions.ts';
import type { KnownDevices } from '../throttle/known-devices.ts';
import type { Begun, Visit } from './start-session.ts';

export interface StartAgainOptions {
  readonly database: Database;
  readonly users: Users;
  readonly sessions: Sessions;
  readonly devices: KnownDevices;
  readonly identifierHash: IdentifierHash;
}

export interface BegunBefore {
  readonly sessionId: string;
  readonly userId: string;
}

export function createStartAgain({
  database: { transact },
  users,
  sessions,
  devices,
  identifierHash,
}: StartAgainOptions) {
  /** Null, and nothing is begun, if the session before has ended. */
  return async function startAgain(
    { sessionId, userId }: BegunBefore,
    { origin, deviceCookie }: Pick<Visit, 'origin' | 'deviceCookie'>,
  ): Promise<Begun | null> {
    const user = await users.find(userId);
    if (!user) return null;
    const account = identifierHash(user.email);
    const deviceId = await devices.find(account, deviceCookie);
    return transact<Begun | null>(async (transaction) => {
      let kept = deviceCookie;
      const rememberBrowser = async () => {
        const success = { userId, deviceId, account, cookie: deviceCookie, origin };
        const { id, cookie } = await devices.rememberWithin(transaction, success);
        kept = cookie;
        return id;
      };
      const session = await sessions.replaceWithin(transaction, { sessionId, userId, rememberBrowser, origin });
      return session && { session, deviceCookie: kept };
    });
  };
}
