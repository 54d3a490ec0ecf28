// How often groups and applications have changed: what a process keeps of them is of one version. It reads the newest with each
// copy, in the same command, and PostgreSQL's once a second: a Redis that was emptied or was away says nothing false for longer.
import type { Redis } from 'ioredis';
import { keys } from '../platform/redis.ts';

export type RegistryVersion = ReturnType<typeof createRegistryVersion>;

export function createRegistryVersion(redis: Redis) {
  let newest = 0;
  let inRedis = 0;

  function note(version: number): void {
    if (version > newest) newest = version;
  }

  /** Tells the other processes. Never throws. */
  async function publish(): Promise<void> {
    inRedis = newest;
    await redis.set(keys.applications, newest).catch(() => undefined);
  }

  return {
    /** The newest that this process has heard of. */
    newest: () => newest,
    note,

    /** What stood beside a copy. */
    read(text: string | null | undefined): void {
      inRedis = Number(text ?? 0) || 0;
      note(inRedis);
    },

    /**
     * What PostgreSQL says, which is right even if it is less: then it has gone back in time. A Redis that says otherwise is
     * told. Never throws.
     */
    async heard(version: number): Promise<void> {
      newest = version;
      if (inRedis !== newest && redis.status === 'ready') await publish();
    },
  };
}
