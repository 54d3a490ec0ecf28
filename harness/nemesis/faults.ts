// What the nemesis can do to a whole Holdfast on Redis with Sentinels. Each fault ends with everything running again.
import { setTimeout as delay } from 'node:timers/promises';
import type { Installation } from '../installation.ts';
import { type Kill, killWebProcess, killWorkerInBatch } from '../restart/scenarios.ts';
import type { SentinelSet } from '../sentinel-set.ts';
import { until } from '../until.ts';

export interface World {
  readonly installation: Installation;
  readonly set: SentinelSet;
}

/** Does it for so long; returns the moments at which requests in hand could not but be lost. */
type Fault = (world: World, forMs: number) => Promise<readonly Kill[]>;

const nothingInHand: readonly Kill[] = [];
/**
 * Sentinels that lost two seconds by the clock do nothing for thirty (their TILT mode), and take no replica afterwards whose master
 * has been gone for twenty: then nobody takes over, and the master comes back as it was.
 */
const FAILOVER_WITHIN_MS = 30_000;

export const FAULTS = {
  'a web process is killed': async ({ installation }) => [await killWebProcess(installation)],
  'the worker is killed in a batch': async ({ installation }) => {
    await killWorkerInBatch(installation);
    return nothingInHand;
  },
  'a rolling reload': async ({ installation }) => {
    // Given up where a new process took too long on a busy machine: the old ones go on, and the next must do.
    await installation.reload().catch(() => installation.reload());
    return nothingInHand;
  },
  'Redis is emptied': async ({ set }) => {
    const admin = await set.admin();
    await admin.flushall().finally(() => admin.disconnect());
    return nothingInHand;
  },
  'the master is killed': async ({ set }, forMs) => {
    const old = await set.master();
    await old.kill();
    await until(async () => (await set.master()) !== old, FAILOVER_WITHIN_MS).catch(() => undefined);
    await delay(forMs);
    await set.startAgain(old);
    await set.untilWhole();
    return nothingInHand;
  },
  'the master hangs': async ({ set }, forMs) => {
    const { pid } = await set.master();
    process.kill(pid, 'SIGSTOP');
    await delay(forMs).finally(() => process.kill(pid, 'SIGCONT'));
    await set.untilWhole();
    return nothingInHand;
  },
  'the Sentinels hang': async ({ set }, forMs) => {
    for (const pid of set.sentinelPids()) process.kill(pid, 'SIGSTOP');
    await delay(forMs);
    for (const pid of set.sentinelPids()) process.kill(pid, 'SIGCONT');
    await set.untilWhole();
    return nothingInHand;
  },
  'the connections to Redis are cut': async ({ set }) => {
    const admin = await set.admin();
    await admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes').finally(() => admin.disconnect());
    return nothingInHand;
  },
  'PostgreSQL is killed': async ({ installation: { servers } }, forMs) => {
    await servers.postgres().kill();
    await delay(forMs);
    await servers.startPostgresAgain();
    return nothingInHand;
  },
  'PostgreSQL is restarted': async ({ installation: { servers } }) => {
    await servers.postgres().stop();
    await servers.startPostgresAgain();
    return nothingInHand;
  },
} satisfies Record<string, Fault>;

export type FaultName = keyof typeof FAULTS;
export const FAULT_NAMES = Object.keys(FAULTS) as FaultName[];
