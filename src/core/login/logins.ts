// Every way to log in and to prove it again, built from what is below.
import type { Users } from '../accounts/users.ts';
import type { IdentifierHash } from '../credentials/identifier-hash.ts';
import type { AccountPasswords } from '../credentials/imported/account-passwords.ts';
import type { OneTimeLinks } from '../credentials/one-time-links.ts';
import type { Passwords } from '../credentials/passwords.ts';
import type { Passkeys } from '../factors/passkeys.ts';
import type { SecondFactors } from '../factors/second-factors.ts';
import type { TellOwner, WasToldLately } from '../mail/owner-mail.ts';
import type { Database } from '../platform/database.ts';
import type { Log } from '../platform/log.ts';
import type { Sessions } from '../sessions/sessions.ts';
import type { KnownDevices } from '../throttle/known-devices.ts';
import type { Refusals } from '../throttle/refusals.ts';
import type { Throttle } from '../throttle/throttle.ts';
import { createFactorWarnings } from './factor-warnings.ts';
import { createStartFirstSession } from './first-session.ts';
import { createPasskeyLogin } from './passkey-login.ts';
import { createPasswordLogin, type TakeOver } from './password-login.ts';
import { createPendingLogins } from './pending-logins.ts';
import { createReauthentication } from './reauthentication.ts';
import { createRenewHash } from './renew-hash.ts';
import { createSecondFactorLogin } from './second-factor-login.ts';
import { createStartAgain } from './start-again.ts';
import { createStartSession } from './start-session.ts';

export interface LoginsOptions {
  readonly database: Database;
  readonly users: Users;
  readonly sessions: Sessions;
  readonly passwords: Passwords;
  readonly accountPasswords: AccountPasswords;
  readonly links: OneTimeLinks;
  readonly identifierHash: IdentifierHash;
  readonly throttle: Throttle;
  readonly refusals: Refusals;
  readonly devices: KnownDevices;
  readonly passkeys: Passkeys;
  readonly secondFactors: SecondFactors;
  readonly tellOwnerWithin: TellOwner;
  readonly wasToldLately: WasToldLately;
  readonly takeOver: TakeOver | null;
  readonly log: Log;
}

export function createLogins({
  database,
  users,
  sessions,
  passwords,
  accountPasswords,
  links,
  identifierHash,
  throttle,
  refusals,
  devices,
  passkeys,
  secondFactors,
  tellOwnerWithin,
  wasToldLately,
  takeOver,
  log,
}: LoginsOptions) {
  const startSession = createStartSession({ database, sessions, devices, identifierHash, tellOwnerWithin });
  const pendingLogins = createPendingLogins({ database });
  const renewHash = createRenewHash({ database, passwords, links, log });
  const factorWarnings = createFactorWarnings({ tellOwnerWithin, wasToldLately });
  const attempting = { throttle, refusals, users, devices, identifierHash, startSession };
  return {
    startSession,
    startAgain: createStartAgain({ database, users, sessions, devices, identifierHash }),
    factorWarnings,
    startFirstSession: createStartFirstSession({ sessions, devices, identifierHash }),
    pendingLogins,
    passwordLogin: createPasswordLogin({
      ...attempting,
      ...{ database, passwords, accountPasswords, renewHash, takeOver, pendingLogins, factorWarnings },
    }),
    passkeyLogin: createPasskeyLogin({ ...attempting, passkeys }),
    secondFactorLogin: createSecondFactorLogin({
      ...{ database, throttle, refusals, startSession, pendingLogins, factorWarnings, secondFactors },
    }),
    reauthentication: createReauthentication({
      database,
      users,
      sessions,
      passwords,
      accountPasswords,
      secondFactors,
      throttle,
      refusals,
      factorWarnings,
    }),
  };
}
