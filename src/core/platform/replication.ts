// Whether a replica of this Redis has what was written to it, for what nothing else remembers.
import type { Redis } from 'ioredis';

const WITHIN_MS = 300;
const KEPT_MS = 60_000;

/** `key` is written to, for a moment that the replica can be asked about. */
export function createReplication({ redis, key }: { redis: Redis; key: string }) {
  /** The most that this connection has shown: one that fell silent may be the one that takes over. */
  let replicas = 0;
  redis.on('close', () => {
    replicas = 0;
  });

  async function isBehind(run: string | null): Promise<boolean> {
    // A connection of its own, because others would wait behind the question. It is tried once, and each Sentinel asked once.
    const once = { retryStrategy: () => null, sentinelRetryStrategy: () => null, failoverDetector: false };
    const own = redis.duplicate({ lazyConnect: true, ...once });
    own.on('error', () => undefined);
    try {
      await own.connect();
      if (said(await own.info('server'), 'run_id') !== run) return true; // another has taken over meanwhile
      await own.set(key, '', 'PX', KEPT_MS);
      return (await own.wait(1, WITHIN_MS)) < 1;
    } finally {
      own.disconnect();
    }
  }

  return {
    /**
     * Waits until a replica has everything that was written so far: false if none says so within 300
     * milliseconds. True where there is no replica, or Redis does not tell. Throws where Redis is away.
     */
    async isCurrent(): Promise<boolean> {
      const info = await redis.info('server', 'replication').catch(() => '');
      replicas = Math.max(replicas, Number(said(info, 'connected_slaves') ?? 0));
      return replicas === 0 || !(await isBehind(said(info, 'run_id')));
    },
  };
}

function said(info: string, name: string): string | null {
  return new RegExp(`^${name}:(\\w+)`, 'm').exec(info)?.[1] ?? null;
}
