// Who asks for a page of an application, by the token in their cookie: one command to Redis and nothing else, as long as nothing
// has changed. A decision is never kept; without Redis, what PostgreSQL said at most a second ago counts.
import QuickLRU from 'quick-lru';
import { readGroupsOf } from '../groups/group-lists.ts';
import { type Database, isDatabaseOutage } from '../platform/database.ts';
import type { Patience } from '../platform/postgres/patience.ts';
import type { LiveSession, SessionReading } from '../sessions/cache-entry.ts';
import type { SessionCache } from '../sessions/session-cache.ts';
import type { SessionData, SessionOwner } from '../sessions/session-record.ts';
import type { ApplicationRegister, KnownApplications } from './known-applications.ts';

const KEPT = 10_000;
/** How old an answer of PostgreSQL's may be while Redis is away. */
const KEPT_MS = 1_000;

/** The same object as long as nothing of it changes. */
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
  readonly patience: Patience;
}

/** The groups of a person, as this process last heard them. */
interface Memberships {
  readonly names: readonly string[];
  /** Of the registry. */
  readonly version: number;
}

export function createVisitors({ database: { prisma }, cache, register, patience }: VisitorsOptions) {
  const asked = new QuickLRU<string, { at: number; reading: Promise<SessionReading> }>({ maxSize: KEPT });
  const visitors = new WeakMap<LiveSession, { readonly version: number; readonly visitor: Visitor }>();
  const memberships = new QuickLRU<string, Memberships>({ maxSize: KEPT });
  const readings = new Map<string, Promise<readonly string[]>>();

  function read(name: string): Promise<SessionReading> {
    if (cache.asksRedis(name)) return cache.readNamed(name, patience);
    const before = asked.get(name);
    if (before && performance.now() - before.at <= KEPT_MS) return before.reading;
    const reading = cache.readNamed(name, patience);
    asked.set(name, { at: performance.now(), reading });
    return reading;
  }

  /** Read once for each version of the registry, by one question at a time. */
  function readGroups(userId: string, version: number): Promise<readonly string[]> {
    const known = memberships.get(userId);
    if (known?.version === version) return Promise.resolve(known.names);
    const key = `${version} ${userId}`;
    const reading = readings.get(key) ?? askGroups(userId, version).finally(() => readings.delete(key));
    readings.set(key, reading);
    return reading;
  }

  async function askGroups(userId: string, version: number): Promise<readonly string[]> {
    const names = (await readGroupsOf(prisma, userId)).map(({ name }) => name);
    // What was asked before a change may be answered after what was asked since.
    if (memberships.get(userId)?.version !== cache.registry.newest()) memberships.set(userId, { version, names });
    return names;
  }

  /** A group that was left is not told again because PostgreSQL went away. */
  function asLastHeard({ owner, data }: AtApplication, before: Visitor | undefined): Visitor {
    const groups = memberships.get(owner.userId)?.names ?? before?.groups ?? groupsIn(data);
    return before?.groups === groups ? before : { owner, groups };
  }

  /** With the groups of when the session began, unless something about groups has changed since. */
  function visitorOf(session: AtApplication, version: number): Visitor | Promise<Visitor> {
    const known = visitors.get(session);
    if (known?.version === version) return known.visitor;
    const { owner, data } = session;
    const keep = (groups: readonly string[]): Visitor => {
      const visitor = { owner, groups };
      visitors.set(session, { version, visitor });
      return visitor;
    };
    if (data['registryVersion'] === version) return keep(groupsIn(data));
    return patience(() => readGroups(owner.userId, version)).then(keep, (error: unknown) => {
      if (isDatabaseOutage(error)) return asLastHeard(session, known?.visitor);
      throw error;
    });
  }

  /**
   * Null names nobody. Several where a browser sends several cookies of one name. It waits for nothing that is known: each turn of
   * a promise counts.
   * @throws StoresAwayError where neither store answers.
   */
  return async (names: readonly string[]): Promise<Visit> => {
    for (const name of names) {
      const reading = await read(name);
      if (!isAtApplication(reading)) continue;
      const registered = register.newest();
      const applications = registered instanceof Promise ? await registered : registered;
      const visitor = visitorOf(reading, applications.version);
      return { applications, visitor: visitor instanceof Promise ? await visitor : visitor };
    }
    return { applications: await register.newest(), visitor: null };
  };
}

interface AtApplication extends LiveSession {
  readonly owner: Visitor['owner'];
}

function isAtApplication(reading: SessionReading): reading is AtApplication {
  return reading.state === 'live' && reading.owner.application !== undefined;
}

function groupsIn({ groups }: SessionData): readonly string[] {
  return Array.isArray(groups) ? groups.filter((group) => typeof group === 'string') : [];
}
