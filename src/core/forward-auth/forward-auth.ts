// Holdfast in front of other applications: who enters them, and who asks for their pages.
import type { Applications } from '../applications/applications.ts';
import type { SecretBox } from '../credentials/secret-box.ts';
import type { Database } from '../platform/database.ts';
import { createPatience } from '../platform/postgres/patience.ts';
import type { createApplicationSessions } from '../sessions/application-sessions.ts';
import type { SessionCache } from '../sessions/session-cache.ts';
import { createAssertionKeys, createKeyRotation } from './assertion-keys.ts';
import { createAssertions } from './assertions.ts';
import { createEntering } from './entering.ts';
import { createKeyRevocation } from './key-revocation.ts';
import { createApplicationRegister } from './known-applications.ts';
import { createVisitors } from './visitors.ts';

export interface ForwardAuthOptions {
  readonly database: Database;
  readonly sessionCache: SessionCache;
  readonly applications: Pick<Applications, 'snapshot' | 'mayEnterWithin'>;
  readonly applicationSessions: ReturnType<typeof createApplicationSessions>;
  readonly secretBox: SecretBox;
  /** Our own origin, which signs. */
  readonly publicOrigin: string;
  /** The longest that a session lives. */
  readonly longestSessionMs: number;
}

const DAY_MS = 86_400_000;
/** A verifier that asks for the keys once a day knows each before it signs. */
const KEYS = { signsMs: 90 * DAY_MS, publishedBeforeMs: DAY_MS } as const;

export function createForwardAuth(options: ForwardAuthOptions) {
  const { database, sessionCache: cache, applications, applicationSessions } = options;
  const { secretBox, publicOrigin: issuer, longestSessionMs } = options;
  const { snapshot, mayEnterWithin } = applications;
  const registryVersion = cache.registry;
  const patience = createPatience(database.heard);
  const register = createApplicationRegister({ snapshot, registryVersion, patience });
  const assertionKeys = createAssertionKeys({ database, secretBox, registryVersion, patience });
  return {
    /** The applications as this process keeps them. */
    register,
    readVisit: createVisitors({ database, cache, register, patience }),
    entering: createEntering({ database, mayEnterWithin, applicationSessions }),
    assertionKeys,
    keys: createKeyRevocation(database),

    /** Reads what checks need, so that the first of a process waits for nothing. Never throws. */
    async prepare(): Promise<void> {
      const known = await Promise.resolve(register.newest()).catch(() => null);
      if (known?.any) await Promise.resolve(assertionKeys()).catch(() => undefined);
    },

    assert: createAssertions({ keys: assertionKeys, clock: database.clock, issuer }),
    rotateKeys: createKeyRotation(database, { ...KEYS, keptMs: longestSessionMs + DAY_MS }),
  };
}
