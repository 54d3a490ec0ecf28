// `npm run bench failover`: Redis or PostgreSQL fails over, Redis goes away or vanishes under a whole Holdfast that is in use.
// Prints two tables and writes them into docs/failover.md; ends with 1 when a promise was not kept. `-- --only <words>` runs the
// scenarios whose name has these words, and writes nothing.
import { parseArgs } from 'node:util';
import { type FailoverRow, runFailover } from '../../harness/failover/run.ts';
import {
  awayScenarios,
  clusterScenarios,
  type FailoverScenario,
  NOTHING,
  promotionScenario,
  sentinelScenarios,
  shardScenarios,
} from '../../harness/failover/scenarios.ts';
import { startHoldingProxy } from '../../harness/holding-proxy.ts';
import { type Installation, type InstallationOptions, install } from '../../harness/installation.ts';
import { query } from '../../harness/query.ts';
import { registerReaders } from '../../harness/restart/crowd.ts';
import { openLedger } from '../../harness/restart/ledger.ts';
import { isKept } from '../../harness/restart/run.ts';
import { startSentinelSet } from '../../harness/sentinel-set.ts';
import { startSessionCluster } from '../../harness/session-cluster.ts';
import { startSessionShards } from '../../harness/session-shards.ts';
import { severalHosts } from '../../harness/standby.ts';
import type { Postgres } from '../../src/launcher/servers/postgres.ts';
import { circumstances, table, writeInto } from '../report.ts';

const WEB_PROCESSES = 2;
const CROWD = { keepAlive: 16, fresh: 4, people: 4, thinkTimeMs: 150 };
/** Long enough for everybody to find the new master. */
const AROUND_MS = 4_000;
const AWAY_MS = 30_000;
const SHARDS = 3;
const SHARD_AWAY_MS = 10_000;
const MOST_LAG_SECONDS = 5;
const MOST_REFUSED_MS = 1_500;

interface World {
  readonly scenarios: readonly FailoverScenario[];
  close(): Promise<void>;
}

type Verified = FailoverRow & { readonly verified: string };

const { values } = parseArgs({ options: { only: { type: 'string' } } });
const isChosen = ({ name }: FailoverScenario) => name.includes(values.only ?? '');

const rows = {
  redis: [
    ...(await measureSentinel()),
    ...(await measureAway()),
    ...(await measureShards()),
    ...(await measureCluster()),
  ],
  postgres: [...(await measurePromotion('kill -9')), ...(await measurePromotion('SIGSTOP'))],
};
for (const store of ['redis', 'postgres'] as const) {
  if (rows[store].length === 0) continue;
  const measured = render(rows[store], store);
  process.stdout.write(`\n${measured}\n`);
  if (values.only === undefined) writeInto('docs/failover.md', store, measured);
}
if (![...rows.redis, ...rows.postgres].every(isRight)) process.exitCode = 1;

async function measureSentinel(): Promise<Verified[]> {
  const set = await startSentinelSet();
  const env = { REDIS_URL: set.url, REDIS_SENTINEL_PASSWORD: set.sentinelPassword };
  return measure(
    { webProcesses: WEB_PROCESSES, env },
    { scenarios: [NOTHING, ...sentinelScenarios(set)], close: set.close },
  );
}

async function measureAway(): Promise<Verified[]> {
  let opened: Awaited<ReturnType<typeof startHoldingProxy>> | undefined;
  const env: InstallationOptions['env'] = async (servers) => {
    opened = await startHoldingProxy(servers.redis());
    return { REDIS_URL: opened.through(servers.redisUrl) };
  };
  const proxy = () => {
    if (!opened) throw new Error('it is not there yet');
    return opened;
  };
  const scenarios = awayScenarios({ hold: () => proxy().hold(), release: () => proxy().release() }, AWAY_MS);
  return measure({ webProcesses: WEB_PROCESSES, env }, { scenarios, close: async () => opened?.close() });
}

/** A primary that commits nothing without its standby: what was answered is in both. */
async function measurePromotion(way: 'kill -9' | 'SIGSTOP'): Promise<Verified[]> {
  let standby: Postgres | undefined;
  const env: InstallationOptions['env'] = async ({ database, postgres, startStandby }) => {
    standby = await startStandby();
    await query(postgres().superuserUrl, "ALTER SYSTEM SET synchronous_standby_names = 'ANY 1 (*)'");
    await query(postgres().superuserUrl, 'SELECT pg_reload_conf()');
    for (const url of ['ownerUrl', 'webUrl', 'workerUrl'] as const)
      database[url] = severalHosts(database[url], [postgres(), standby]);
    return {};
  };
  const there = () => {
    if (!standby) throw new Error('it is not there yet');
    return standby;
  };
  return measure(
    { webProcesses: WEB_PROCESSES, env },
    { scenarios: [promotionScenario(way, there)], close: async () => undefined },
  );
}

async function measureShards(): Promise<Verified[]> {
  const shards = await startSessionShards(SHARDS);
  const env = { REDIS_SESSION_URLS: shards.list() };
  return measure(
    { webProcesses: WEB_PROCESSES, env },
    { scenarios: shardScenarios(shards, SHARD_AWAY_MS), close: shards.close },
  );
}

async function measureCluster(): Promise<Verified[]> {
  const cluster = await startSessionCluster();
  const env = { REDIS_SESSION_URLS: cluster.url };
  return measure({ webProcesses: WEB_PROCESSES, env }, { scenarios: clusterScenarios(cluster), close: cluster.close });
}

async function measure(options: InstallationOptions, { scenarios, close }: World): Promise<Verified[]> {
  let installation: Installation | undefined;
  const end = async () => {
    await installation?.close();
    await close();
  };
  const stop = () => void end().finally(() => process.exit(1));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop);
  try {
    const chosen = scenarios.filter(isChosen);
    if (chosen.length === 0) return [];
    installation = await install(options);
    const ledger = openLedger();
    const readers = await registerReaders(installation.port, ledger, CROWD.keepAlive + CROWD.fresh);
    const measured: Verified[] = [];
    for (const scenario of chosen) {
      process.stderr.write(`${scenario.name} …`);
      const row = await runFailover(scenario, { installation, ledger, crowd: CROWD, readers, aroundMs: AROUND_MS });
      const verified = { ...row, verified: await installation.verify() };
      measured.push(verified);
      process.stderr.write(isRight(verified) ? ' kept\n' : ' NOT KEPT\n');
      for (const { what } of row.failures.slice(0, 10)) process.stderr.write(`  ${what}\n`);
    }
    return measured;
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, stop);
    await end();
  }
}

function isRight(row: Verified): boolean {
  const kept = isKept(row) && row.lagSeconds <= MOST_LAG_SECONDS && row.verified.includes('is intact');
  return kept && (row.refusedForMs === null ? row.refused === 0 : row.refusedForMs <= MOST_REFUSED_MS);
}

function render(all: readonly Verified[], store: 'redis' | 'postgres'): string {
  const head = [
    ...['while under load', 'requests', 'failed', '99 % within, ms', 'slowest, ms', 'log behind, at most, s'],
    ...(store === 'postgres' ? ['log-ins refused with 503', 'the last so long after the promotion, ms'] : []),
    ...['sessions: expected', 'live', 'ended ones revived', 'events expected', 'found', 'twice', '`audit verify`'],
  ];
  const cells = all.map((row) => [
    row.name,
    String(row.requests),
    String(row.failures.length + (row.refusedForMs === null ? row.refused : 0)),
    row.usualMs.toFixed(0),
    row.slowestMs.toFixed(0),
    row.lagSeconds.toFixed(1),
    ...(row.refusedForMs === null ? [] : [String(row.refused), row.refusedForMs.toFixed(0)]),
    String(row.sessionsWanted),
    String(row.sessions.live),
    String(row.sessions.revived),
    String(row.events.expected),
    String(row.events.found),
    String(row.events.twice),
    row.verified.includes('is intact') ? 'intact' : `**${row.verified}**`,
  ]);
  const { keepAlive, fresh, people, thinkTimeMs } = CROWD;
  const who = `${WEB_PROCESSES} web processes, a worker; ${keepAlive} readers on kept-alive connections, ${fresh} on fresh ones, ${people} people registering, logging in and out; up to ${thinkTimeMs} ms between two requests of one client`;
  return `${circumstances()}\n\n${who}.\n\n${table(head, cells)}`;
}
