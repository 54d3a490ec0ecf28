// Holdfast in front of other applications: who enters them, and who asks for their pages.
import type { Applications } from '../applications/applications.ts';
import type { Database } from '../platform/database.ts';
import type { createApplicationSessions } from '../sessions/application-sessions.ts';
import type { SessionCache } from '../sessions/session-cache.ts';
import { createEntering } from './entering.ts';
import { createApplicationRegister } from './known-applications.ts';
import { createVisitors } from './visitors.ts';

export interface ForwardAuthOptions {
  readonly database: Database;
  readonly sessionCache: SessionCache;
  readonly applications: Pick<Applications, 'snapshot' | 'mayEnterWithin'>;
  readonly applicationSessions: ReturnType<typeof createApplicationSessions>;
}

export function createForwardAuth({
  database,
  sessionCache: cache,
  applications,
  applicationSessions,
}: ForwardAuthOptions) {
  const { snapshot, mayEnterWithin } = applications;
  const register = createApplicationRegister({ snapshot, registryVersion: cache.registry });
  return {
    /** The applications as this process keeps them. */
    register,
    readVisit: createVisitors({ database, cache, register }),
    entering: createEntering({ database, mayEnterWithin, applicationSessions }),
  };
}
