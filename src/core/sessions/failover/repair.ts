// The worker's part after a failover: PostgreSQL is told of the endings that it has lost, and Redis
// of the sessions.
import { keys } from '../../platform/redis.ts';
import type { SessionCache } from '../session-cache.ts';
import type { SessionShard } from '../session-shard.ts';
import type { SessionTable } from '../session-table.ts';
import { createEndAgain, type EndAgainOptions } from './lost-endings.ts';

export interface RepairOptions extends EndAgainOptions {
  readonly table: Pick<SessionTable, 'newest'>;
  readonly cache: SessionCache;
}

export function createRepair({ table, cache, ...options }: RepairOptions) {
  const endAgain = createEndAgain(options);
  const { epochs, rewound } = cache;

  async function repair({ journal, sweep }: SessionShard, { sweeps }: { sweeps: boolean }): Promise<void> {
    const ended = await endAgain(await journal.lost());
    const { copies } = sweeps ? await sweep() : { copies: 0 };
    if (rewound.stands()) return;
    const lastAsked = cache.allEnded()?.at ?? 0;
    if (lastAsked > ((await table.newest()).allEnded?.at ?? 0)) await rewound.raise({ everybody: true });
    else if (ended > 0) await rewound.raise({ endings: ended });
    else if (copies > 0) await rewound.raise({ copies });
  }

  /**
   * Does it once in each epoch, and again and again while it stands that PostgreSQL has gone back.
   * Throws where a store is away; the next run does it again. Until PostgreSQL has said in which epoch it is, nothing is taken
   * out of the journal: a standby may be promoted after hours.
   */
  return async (): Promise<void> => {
    const epoch = epochs.hear(await table.newest());
    await cache.inEach(async (shard) => {
      const before = await shard.redis.get(keys.repaired);
      const isNew = epoch !== null && epoch !== before;
      // In a Redis that knew of no epoch every copy is held against its row when it is read.
      if (isNew || rewound.stands()) await repair(shard, { sweeps: before !== null || rewound.stands() });
      if (isNew) await shard.redis.set(keys.repaired, epoch);
      await shard.journal.trim();
    });
  };
}
