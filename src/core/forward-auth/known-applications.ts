// The applications as a process keeps them, by slug and by host: all of one version, read anew when it hears of a newer one. While
// PostgreSQL is away, what it last said goes on.
import { setTimeout as delay } from 'node:timers/promises';
import type { Application, Applications } from '../applications/applications.ts';
import { isDatabaseOutage } from '../platform/database.ts';
import type { Patience } from '../platform/postgres/patience.ts';
import type { RegistryVersion } from '../sessions/registry-version.ts';

export interface KnownApplications {
  readonly version: number;
  /** Whether there is one at all. */
  readonly any: boolean;
  bySlug(slug: string): Application | undefined;
  /** By the host that a request is for. */
  byHost(host: string): Application | undefined;
}

/** How long a process that knows none yet waits for them. */
export const FIRST_READ_MS = 2_000;
/** Between two looks for what nobody has heard of: anybody may ask for it, as often as they like. */
const LOOK_MS = 250;

export type ApplicationRegister = ReturnType<typeof createApplicationRegister>;

export function createApplicationRegister({
  snapshot,
  registryVersion,
  patience,
}: {
  snapshot: Applications['snapshot'];
  registryVersion: Pick<RegistryVersion, 'newest' | 'note'>;
  patience: Patience;
}) {
  let known: KnownApplications | null = null;
  let reading: Promise<KnownApplications> | null = null;

  async function read(): Promise<KnownApplications> {
    const { version, applications } = await snapshot();
    registryVersion.note(Number(version));
    known = index(Number(version), applications);
    return known;
  }

  function readOnce(): Promise<KnownApplications> {
    reading ??= read().finally(() => {
      reading = null;
    });
    return reading;
  }

  /** One read at a time, however many ask. @throws where PostgreSQL is away and has said nothing yet. */
  async function readSoon(): Promise<KnownApplications> {
    return patience(readOnce, known ? undefined : FIRST_READ_MS).catch((error: unknown) => {
      if (known && isDatabaseOutage(error)) return known;
      throw error;
    });
  }

  /** Those of the newest version that this process has heard of; at once, unless that is news. */
  function newest(): KnownApplications | Promise<KnownApplications> {
    return known && known.version === registryVersion.newest() ? known : readSoon();
  }

  let looking: Promise<unknown> = Promise.resolve();
  let next: Promise<KnownApplications> | null = null;

  /** What is read after this call, by one look for all who wait. */
  function lookAgain(): Promise<KnownApplications> {
    next ??= looking
      .then(() => reading)
      .catch(() => undefined)
      .then(() => {
        next = null;
        const read = readSoon();
        looking = Promise.allSettled([read, delay(LOOK_MS, undefined, { ref: false })]);
        return read;
      });
    return next;
  }

  return {
    newest,

    /**
     * The one that is looked for; also one that was registered just now, of which this process has not heard yet.
     * @throws where PostgreSQL is away and has said nothing yet.
     */
    find(look: (applications: KnownApplications) => Application | undefined): Found | Promise<Found> {
      const applications = newest();
      if (!(applications instanceof Promise)) return look(applications) ?? lookAgain().then(look);
      return applications.then(async (read) => look(read) ?? look(await lookAgain()));
    },
  };
}

type Found = Application | undefined;

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
