// Starts the session of an account that is being made, in the transaction that makes it.
import { Prisma } from '../../generated/prisma/client.ts';
import { noteFirstLoginWithin, type User } from '../accounts/users.ts';
import type { IdentifierHash } from '../credentials/identifier-hash.ts';
import type { Transaction } from '../platform/database.ts';
import type { Sessions } from '../sessions/sessions.ts';
import type { KnownDevices } from '../throttle/known-devices.ts';
import type { Begun, Visit } from './start-session.ts';

export interface FirstSessionOptions {
  readonly sessions: Sessions;
  readonly devices: KnownDevices;
  readonly identifierHash: IdentifierHash;
}

export type StartFirstSession = ReturnType<typeof createStartFirstSession>;

export function createStartFirstSession({ sessions, devices, identifierHash }: FirstSessionOptions) {
  /** Also ends the session it replaces, and remembers the browser. */
  return async function startFirstSession(
    transaction: Transaction,
    user: User,
    { previousSessionId, remember, origin, deviceCookie }: Visit,
  ): Promise<Begun> {
    await noteFirstLoginWithin(transaction, user.id);
    if (previousSessionId) {
      const why = { reason: 'replaced', actor: user.id, origin } as const;
      await sessions.endWithin(transaction, { sessionId: previousSessionId }, why);
    }
    const account = identifierHash(user.email);
    const success = { userId: user.id, deviceId: null, account, cookie: deviceCookie, origin };
    const { id, cookie } = await devices.rememberWithin(transaction, success);
    const session = await sessions.createWithin(transaction, user, {
      remember,
      authenticationMethod: 'password',
      browser: Prisma.sql`${id}::uuid`,
      origin,
    });
    return { session, deviceCookie: cookie };
  };
}
