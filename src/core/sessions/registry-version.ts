// How often groups and applications have changed: what a process keeps of them is of one version. It reads the newest with each
// copy, in the same command, and PostgreSQL's once a second: a Redis that was emptied or was away says nothing false for longer.
import type { Redis } from 'ioredis';
import { keys } from '../platform/redis.ts';

export type RegistryVersion = ReturnType<typeof createRegistryVersion>;
export type PublishedVersion = ReturnType<RegistryVersion['publishedIn']>;

export function createRegistryVersion() {
  let newest = 0;

  function note(version: number): void {
    if (version > newest) newest = version;
  }

  return {
    /** The newest that this process has heard of. */
    newest: () => newest,
    note,

    /** What PostgreSQL says, which is right even if it is less: then it has gone back in time. */
    heard(version: number): void {
      newest = version;
    },

    /** As it stands in a Redis, for the other processes. */
    publishedIn(redis: Redis) {
      let inRedis = 0;
      return {
        /** What stood beside a copy. */
        read(text: string | null | undefined): void {
          inRedis = Number(text ?? 0) || 0;
          note(inRedis);
        },

        /** Tells a Redis that says otherwise. Never throws. */
        async correct(): Promise<void> {
          if (inRedis === newest || redis.status !== 'ready') return;
          inRedis = newest;
          await redis.set(keys.applications, newest).catch(() => undefined);
        },
      };
    },
  };
}
