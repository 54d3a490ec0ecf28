// The applications as a process keeps them, by slug and by host: all of one version, read anew when it hears of a newer one. While
// PostgreSQL is away, what it last said goes on.
import type { Application, Applications } from '../applications/applications.ts';
import { isDatabaseOutage } from '../platform/database.ts';
import type { RegistryVersion } from '../sessions/registry-version.ts';

export interface KnownApplications {
  readonly version: number;
  /** Whether there is one at all. */
  readonly any: boolean;
  bySlug(slug: string): Application | undefined;
  /** By the host that a request is for. */
  byHost(host: string): Application | undefined;
}

export type ApplicationRegister = ReturnType<typeof createApplicationRegister>;

export function createApplicationRegister({
  snapshot,
  registryVersion,
}: {
  snapshot: Applications['snapshot'];
  registryVersion: Pick<RegistryVersion, 'newest' | 'note'>;
}) {
  let known: KnownApplications | null = null;
  let reading: Promise<KnownApplications> | null = null;

  async function read(): Promise<KnownApplications> {
    const { version, applications } = await snapshot();
    registryVersion.note(Number(version));
    known = index(Number(version), applications);
    return known;
  }

  /** One read at a time, however many ask. @throws where PostgreSQL is away and has said nothing yet. */
  async function readOnce(): Promise<KnownApplications> {
    reading ??= read().finally(() => {
      reading = null;
    });
    return reading.catch((error: unknown) => {
      if (known && isDatabaseOutage(error)) return known;
      throw error;
    });
  }

  /** Those of the newest version that this process has heard of; at once, unless that is news. */
  return (): KnownApplications | Promise<KnownApplications> =>
    known && known.version === registryVersion.newest() ? known : readOnce();
}

function index(version: number, applications: readonly Application[]): KnownApplications {
  const bySlug = new Map(applications.map((application) => [application.slug, application]));
  const byHost = new Map(applications.map((application) => [new URL(application.url).hostname, application]));
  return {
    version,
    any: bySlug.size > 0,
    bySlug: (slug) => bySlug.get(slug),
    byHost: (host) => byHost.get(nameOf(host)),
  };
}

/** Without port, and without a dot at the end: cookies know neither. */
function nameOf(host: string): string {
  return host.toLowerCase().replace(/:\d+$/, '').replace(/\.$/, '');
}
