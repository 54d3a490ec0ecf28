// What Holdfast needs of a Redis, by what it says of itself. A service that hides INFO is taken as it is.
import type { Redis } from 'ioredis';

const FAULTS = [
  [/^redis_mode:cluster/m, 'it is a node of a cluster: give a Redis that is none'],
  [/^role:slave/m, 'it is a replica: give its primary'],
] as const;

/** Why this Redis can't be used at all, in a sentence about the setting that leads to it; null if it can. */
export async function redisFault(redis: Redis, setting = 'REDIS_URL'): Promise<string | null> {
  const info = await redis.info().catch(() => '');
  const fault = FAULTS.find(([said]) => said.test(info));
  return fault ? `${setting}: ${fault[1]}` : null;
}
