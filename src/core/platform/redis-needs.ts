// What Holdfast needs of a Redis, by what it says of itself. A service that hides INFO is taken as it is.
import type { Redis } from 'ioredis';

const FAULTS = [
  [/^(?:redis|server)_mode:cluster/m, 'it is a node of a cluster: give a Redis that is none'], // the latter is Valkey's
  [/^role:slave/m, 'it is a replica: give its primary'],
] as const;

/** Why this Redis can't be used at all, in a sentence about the setting that leads to it; null if it can. */
export async function redisFault(redis: Redis, setting = 'REDIS_URL'): Promise<string | null> {
  const fault = faultIn(await redis.info().catch(() => ''));
  return fault && `${setting}: ${fault}`;
}

/** What speaks against a Redis or a Valkey whose answer to INFO this is. */
export function faultIn(info: string): string | null {
  return FAULTS.find(([said]) => said.test(info))?.[1] ?? null;
}
