// What is done to the stores while people use Holdfast: one fails over, goes away, or vanishes without a word.
import { setTimeout as delay } from 'node:timers/promises';
import type { Postgres } from '../../src/launcher/servers/postgres.ts';
import type { RedisServer } from '../../src/launcher/servers/redis.ts';
import { freeze } from '../freeze.ts';
import type { HoldingProxy } from '../holding-proxy.ts';
import type { Scenario } from '../restart/scenarios.ts';
import type { SentinelSet } from '../sentinel-set.ts';
import type { SessionCluster } from '../session-cluster.ts';
import type { SessionShards } from '../session-shards.ts';
import { promote } from '../standby.ts';
import { until } from '../until.ts';

const FAILOVER_WITHIN_MS = 30_000;
const NOTHING_MS = 5_000;

export interface FailoverScenario extends Scenario {
  /** Puts everything back as it was, after what happened was looked at. */
  readonly mend: () => Promise<void>;
  /** When a standby was promoted, of `performance.now()`. */
  readonly promotedAt?: () => number | undefined;
}

/** For comparison: what the machine does to the load by itself. */
export const NOTHING: FailoverScenario = {
  name: 'nothing happens',
  async cause() {
    await delay(NOTHING_MS);
    return [];
  },
  mend: async () => undefined,
};

/** The master goes by a signal; Sentinels make the replica the master. */
export function sentinelScenarios(set: SentinelSet): readonly FailoverScenario[] {
  const fail = async (signal: 'SIGKILL' | 'SIGSTOP') => {
    const old = await set.master();
    if (signal === 'SIGKILL') await old.kill();
    else process.kill(old.pid, 'SIGSTOP');
    await until(async () => (await set.master()) !== old, FAILOVER_WITHIN_MS);
    return old;
  };
  let gone: Awaited<ReturnType<typeof fail>> | undefined;
  return [
    {
      name: 'Sentinel: `kill -9` of the master',
      async cause() {
        gone = await fail('SIGKILL');
        return [];
      },
      async mend() {
        if (gone) await set.startAgain(gone);
        await set.untilWhole();
      },
    },
    {
      name: 'Sentinel: `SIGSTOP` of the master',
      async cause() {
        gone = await fail('SIGSTOP');
        return [];
      },
      async mend() {
        if (gone) process.kill(gone.pid, 'SIGCONT');
        await set.untilWhole();
      },
    },
  ];
}

/** One Redis, behind a proxy that can make its host vanish. */
export function awayScenarios(
  proxy: Pick<HoldingProxy, 'hold' | 'release'>,
  awayMs: number,
): readonly FailoverScenario[] {
  const mend = async () => undefined;
  return [
    {
      name: `Redis away for ${awayMs / 1_000} s`,
      async cause({ servers }) {
        await servers.redis().kill();
        await delay(awayMs);
        await servers.startRedisAgain();
        return [];
      },
      mend,
    },
    {
      name: `Redis’s host vanished for ${awayMs / 1_000} s, without a reset`,
      async cause() {
        proxy.hold();
        await delay(awayMs);
        proxy.release();
        return [];
      },
      mend,
    },
  ];
}

/** The primary goes in this way, and the standby is promoted at once. It is the primary from then on. */
export function promotionScenario(way: 'kill -9' | 'SIGSTOP', standby: () => Postgres): FailoverScenario {
  let promotedAt: number | undefined;
  let mend = async () => {};
  return {
    name: `PostgreSQL: \`${way}\` of the primary, and promotion`,
    mayRefuse: true,
    async cause({ servers }) {
      const old = servers.postgres();
      if (way === 'kill -9') await old.kill();
      else {
        const thaw = freeze(old);
        mend = async () => thaw();
      }
      await promote(standby());
      promotedAt = performance.now();
      servers.database.superuserUrl = withDatabaseOf(servers.database.superuserUrl, standby());
      return [];
    },
    mend: () => mend(),
    promotedAt: () => promotedAt,
  };
}

function withDatabaseOf(url: string, { superuserUrl }: Postgres): string {
  return Object.assign(new URL(superuserUrl), { pathname: new URL(url).pathname }).href;
}

/** One of several Redis with sessions. */
export function shardScenarios(shards: SessionShards, awayMs: number): readonly FailoverScenario[] {
  const hurt = 1;
  const scenario = (name: string, cause: () => Promise<unknown>, back: () => Promise<unknown>): FailoverScenario => ({
    name: `one of three Redis with sessions ${name}`,
    async cause() {
      await cause();
      await delay(awayMs);
      await back();
      return [];
    },
    mend: async () => undefined,
  });
  const kill = () => shards.server(hurt).kill();
  const signal = async (name: NodeJS.Signals) => process.kill(shards.server(hurt).pid, name);
  return [
    scenario(`away for ${awayMs / 1_000} s`, kill, () => shards.startAgain(hurt)),
    scenario('replaced by an empty one', kill, () => shards.startAgain(hurt, { empty: true })),
    scenario(
      'emptied',
      () => shards.client(hurt).flushall(),
      async () => undefined,
    ),
    scenario(
      `stopped (\`SIGSTOP\`) for ${awayMs / 1_000} s`,
      () => signal('SIGSTOP'),
      () => signal('SIGCONT'),
    ),
  ];
}

/** A node of a Cluster with sessions; each ends with a Cluster that is whole again. */
export function clusterScenarios(cluster: SessionCluster): readonly FailoverScenario[] {
  // Of the first part and of one that another node has.
  const [hurt, elsewhere] = [512, 8_704];
  const moved = [400, 699] as const;
  const scenario = (name: string, cause: () => Promise<void>): FailoverScenario => ({
    name: `Cluster: ${name}`,
    async cause() {
      await cause();
      await cluster.untilWhole();
      return [];
    },
    mend: async () => undefined,
  });
  const replaced = (old: RedisServer) =>
    until(async () => (await cluster.masterOf(hurt).catch(() => old)) !== old, FAILOVER_WITHIN_MS);
  return [
    scenario('`kill -9` of a master', async () => {
      const old = await cluster.masterOf(hurt);
      await old.kill();
      await replaced(old);
      await cluster.startAgain(old);
    }),
    scenario('`SIGSTOP` of a master', async () => {
      const old = await cluster.masterOf(hurt);
      process.kill(old.pid, 'SIGSTOP');
      await replaced(old).finally(() => process.kill(old.pid, 'SIGCONT'));
    }),
    scenario('`CLUSTER FAILOVER`', () => cluster.failOver(hurt)),
    scenario('reshard of 300 slots', () => cluster.moveSlots(...moved, elsewhere)),
  ];
}
