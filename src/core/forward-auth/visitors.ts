// Who asks for a page of an application, by the token in their cookie: one command to Redis and nothing else, as long as nothing
// has changed. A decision is never kept; without Redis, what PostgreSQL said at most a second ago counts.
import QuickLRU from 'quick-lru';
import { readGroupsOf } from '../groups/group-lists.ts';
import { type Database, isDatabaseOutage } from '../platform/database.ts';
import type { SessionReading } from '../sessions/cache-entry.ts';
import type { SessionCache } from '../sessions/session-cache.ts';
import type { SessionData, SessionOwner } from '../sessions/session-record.ts';
import type { ApplicationRegister, KnownApplications } from './known-applications.ts';

const KEPT = 10_000;
/** How old an answer of PostgreSQL's may be while Redis is away. */
const KEPT_MS = 1_000;

export interface Visitor {
  readonly owner: SessionOwner & Required<Pick<SessionOwner, 'application'>>;
  readonly groups: readonly string[];
}

export interface Visit {
  readonly applications: KnownApplications;
  /** Null for whoever has no live session at an application. */
  readonly visitor: Visitor | null;
}

export interface VisitorsOptions {
  readonly database: Database;
  readonly cache: SessionCache;
  readonly register: ApplicationRegister;
}

export function createVisitors({ database: { prisma }, cache, register }: VisitorsOptions) {
  const asked = new QuickLRU<string, { at: number; reading: Promise<SessionReading> }>({ maxSize: KEPT });
  const memberships = new QuickLRU<string, { version: number; names: Promise<readonly string[]> }>({ maxSize: KEPT });

  function read(name: string): Promise<SessionReading> {
    if (cache.health().redis) return cache.readNamed(name);
    const before = asked.get(name);
    if (before && performance.now() - before.at <= KEPT_MS) return before.reading;
    const reading = cache.readNamed(name);
    asked.set(name, { at: performance.now(), reading });
    return reading;
  }

  /** As they were when the session began, unless something about groups has changed since. */
  function groupsOf(
    owner: SessionOwner,
    data: SessionData,
    version: number,
  ): readonly string[] | Promise<readonly string[]> {
    const kept = groupsIn(data);
    if (data['registryVersion'] === version) return kept;
    const known = memberships.get(owner.userId);
    if (known?.version === version) return known.names;
    const names = readGroupsOf(prisma, owner.userId).then(
      (groups) => groups.map(({ name }) => name),
      (error: unknown) => {
        memberships.delete(owner.userId);
        if (isDatabaseOutage(error)) return kept;
        throw error;
      },
    );
    memberships.set(owner.userId, { version, names });
    return names;
  }

  /**
   * Null names nobody. Several where a browser sends several cookies of one name.
   * @throws StoresAwayError where neither store answers.
   */
  return async (names: readonly string[]): Promise<Visit> => {
    for (const name of names) {
      const reading = await read(name);
      if (reading.state !== 'live' || !isAtApplication(reading.owner)) continue;
      const { owner, data } = reading;
      const applications = await register();
      return { applications, visitor: { owner, groups: await groupsOf(owner, data, applications.version) } };
    }
    return { applications: await register(), visitor: null };
  };
}

function isAtApplication(owner: SessionOwner): owner is Visitor['owner'] {
  return owner.application !== undefined;
}

function groupsIn({ groups }: SessionData): readonly string[] {
  return Array.isArray(groups) ? groups.filter((group) => typeof group === 'string') : [];
}
