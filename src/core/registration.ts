// Registering: account, session and events are one transaction, or nothing.
import { type Database, isUniqueViolation } from './database.ts';
import type { Begun, Credentials, Entry } from './entry.ts';
import type { IdentifierHash } from './identifier.ts';
import type { KnownDevices } from './known-devices.ts';
import type { Passwords } from './passwords.ts';
import type { EndedSession } from './session-records.ts';
import type { Sessions } from './sessions.ts';
import type { Throttle } from './throttle.ts';
import type { Throttled, ThrottleEvents } from './throttle-events.ts';
import type { Users } from './users.ts';

export type RegisterResult =
  | ({ readonly ok: true } & Begun)
  | { readonly ok: false; readonly reason: 'email_taken' }
  | Throttled;

/** A double click on "Create account" sends the form twice; the second finds an account this young and just logs in. */
const DOUBLE_SUBMIT_MS = 60_000;

export interface RegistrationOptions {
  readonly database: Database;
  readonly users: Users;
  readonly sessions: Sessions;
  readonly passwords: Passwords;
  readonly throttle: Throttle;
  readonly throttleEvents: ThrottleEvents;
  readonly devices: KnownDevices;
  readonly entry: Entry;
  readonly identifierHash: IdentifierHash;
}

export type Registration = ReturnType<typeof createRegistration>;

export function createRegistration({
  database: { prisma },
  users,
  sessions,
  passwords,
  throttle,
  throttleEvents: { recordBlocks, refuse },
  devices,
  entry,
  identifierHash,
}: RegistrationOptions) {
  return {
    /** Makes an account and logs in, in one transaction. Of two with one address at the same instant, one gets it. */
    async register(credentials: Credentials): Promise<RegisterResult> {
      const taken = await throttle.takeRegister(credentials.origin.ip);
      if (!taken.ok) return refuse(taken, null, credentials.origin);
      if (taken.blocks.length > 0) {
        await prisma.$transaction((transaction) => recordBlocks(transaction, taken.blocks, null, credentials.origin));
      }
      const passwordHash = await passwords.hash(credentials.password);
      const { email, origin, remember, previousSessionId, deviceCookie } = credentials;
      try {
        const [session, ended, kept] = await prisma.$transaction(async (transaction) => {
          const user = await users.createWithin(transaction, { email, passwordHash, role: 'member', origin });
          const replaced: EndedSession[] = previousSessionId
            ? await sessions.endWithin(
                transaction,
                { sessionId: previousSessionId },
                { reason: 'replaced', actor: user.id, origin },
              )
            : [];
          const created = await sessions.createWithin(transaction, user, { remember, origin });
          const remembered = { userId: user.id, deviceId: null, account: identifierHash(email), cookie: deviceCookie };
          return [created, replaced, await devices.rememberWithin(transaction, remembered)] as const;
        });
        await Promise.all([sessions.open(session), sessions.afterCommit(ended)]);
        return { ok: true, session, deviceCookie: kept };
      } catch (error) {
        if (!isUniqueViolation(error)) throw error;
      }
      const user = await users.findByEmail(email);
      const young = user !== null && Date.now() - user.createdAt.getTime() < DOUBLE_SUBMIT_MS;
      if (young && (await passwords.verify(user.passwordHash, credentials.password))) {
        return { ok: true, ...(await entry.begin(user, credentials, { deviceId: null })) };
      }
      return { ok: false, reason: 'email_taken' };
    },
  };
}
