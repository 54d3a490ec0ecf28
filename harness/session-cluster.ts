// A Redis Cluster for sessions: three masters with a replica each, to be killed, stopped, failed over and resharded.
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Redis } from 'ioredis';
import { projectRoot } from '../src/core/platform/project-root.ts';
import { writePrivate } from '../src/launcher/machine/files.ts';
import { freePort } from '../src/launcher/machine/ports.ts';
import { type RedisServer, startRedis } from '../src/launcher/servers/redis.ts';
import { until } from './until.ts';

const MASTERS = 3;
const SLOTS = 16_384;
const NODE_TIMEOUT_MS = 1_500;
const WHOLE_WITHIN_MS = 60_000;
const MIGRATE_MS = 5_000;
const AT_ONCE = 50;

export interface SessionCluster {
  /** `redis+cluster://:password@host:port,…` of all nodes, the masters first. */
  readonly url: string;
  /** Who has this slot now. */
  masterOf(slot: number): Promise<RedisServer>;
  /** That one and its replica. */
  pairOf(slot: number): Promise<readonly RedisServer[]>;
  /** From now on the replica of a slot's master hears nothing of it, until a server starts again. */
  cutReplica(slot: number): Promise<void>;
  /** Makes the replica of a slot's master the master, by CLUSTER FAILOVER; resolves once all nodes know. */
  failOver(slot: number): Promise<void>;
  /** Moves these slots with their keys, fifty at a time, from the master of the first to that of another slot. */
  moveSlots(first: number, last: number, toMasterOf: number): Promise<void>;
  /** What a slot's master answers to a command. */
  ask(slot: number, ...words: readonly [string, ...string[]]): Promise<unknown>;
  /** Starts a server again that was killed. */
  startAgain(server: RedisServer): Promise<void>;
  /** Resolves once every slot has a master, every master a replica in step, and all nodes agree. */
  untilWhole(): Promise<void>;
  close(): Promise<void>;
}

interface Node {
  readonly dataDir: string;
  readonly port: number;
  readonly config: Readonly<Record<string, string>>;
  readonly client: Redis;
  server: RedisServer;
}

interface Owner {
  readonly node: Node;
  readonly id: string;
}

interface Move {
  readonly from: Owner;
  readonly to: Owner;
  /** Whom to tell that the slot has moved, in order. */
  readonly tell: readonly Node[];
}

/** A line of CLUSTER NODES. */
interface Told {
  readonly id: string;
  readonly port: number;
  readonly flags: readonly string[];
  readonly master: string | null;
  readonly isLinked: boolean;
  readonly slots: readonly (readonly [number, number])[];
}

/** Resolves when a failover would work. */
export async function startSessionCluster(): Promise<SessionCluster> {
  const folder = mkdtempSync(path.join(tmpdir(), 'holdfast-cluster-'));
  const password = randomBytes(12).toString('hex');
  const places = { serversDir: path.join(projectRoot, '.data/servers'), searchPath: process.env['PATH'] ?? '' };
  const nodes: Node[] = [];

  async function start(number: number): Promise<Node> {
    const dataDir = path.join(folder, String(number));
    mkdirSync(dataDir, { mode: 0o700 });
    writePrivate(path.join(dataDir, 'password.secret'), `${password}\n`);
    const config = {
      ...{ 'cluster-enabled': 'yes', 'cluster-port': String(await freePort()), masterauth: password },
      ...{ 'cluster-node-timeout': String(NODE_TIMEOUT_MS), 'cluster-require-full-coverage': 'no' },
      ...{ 'repl-diskless-sync-delay': '0', 'cluster-replica-validity-factor': '0' },
    };
    const server = await startRedis({ ...places, dataDir, config });
    const client = new Redis(server.url, { maxRetriesPerRequest: 1, commandTimeout: MIGRATE_MS });
    client.on('error', () => undefined);
    return { dataDir, port: server.port, config, client, server };
  }

  const at = (place: number): Node => {
    const node = nodes[place];
    if (!node) throw new Error(`there is no node ${place}`);
    return node;
  };

  /** What the others than the one that is away think. */
  async function told(): Promise<readonly Told[]> {
    return Promise.any(nodes.map(({ client }) => toldBy(client)));
  }

  const ownerIn = (all: readonly Told[], slot: number) =>
    all.find(({ flags, slots }) => isSound(flags) && slots.some(([first, last]) => first <= slot && slot <= last));

  async function ownerOf(slot: number): Promise<Owner> {
    const owner = ownerIn(await told(), slot);
    const node = nodes.find(({ port }) => port === owner?.port);
    if (!owner || !node) throw new Error(`slot ${slot} has no master`);
    return { node, id: owner.id };
  }

  const mastersOf = (all: readonly Told[]) =>
    nodes.filter(({ port }) => all.some((one) => one.port === port && one.master === null && isSound(one.flags)));

  async function replicaOf(slot: number): Promise<Node> {
    const all = await told();
    const master = ownerIn(all, slot);
    const replica = nodes.find(({ port }) => all.find((one) => one.port === port)?.master === master?.id);
    if (!replica) throw new Error(`the master of slot ${slot} has no replica`);
    return replica;
  }

  async function isWhole(): Promise<boolean> {
    const all = await Promise.all(nodes.map(({ client }) => toldBy(client)));
    const views = all.map((view) =>
      view.every(({ flags, isLinked }) => isSound(flags) && isLinked) && view.length === nodes.length
        ? JSON.stringify(view.map(({ id, master, slots }) => [id, master, slots]).sort())
        : null,
    );
    if (views[0] === null || views.some((view) => view !== views[0])) return false;
    const infos = await Promise.all(nodes.map(({ client }) => client.info('replication')));
    const inStep = infos.filter((info) => info.includes('role:master') && info.includes('state=online'));
    const states = await Promise.all(nodes.map(({ client }) => client.cluster('INFO') as Promise<string>));
    return inStep.length === MASTERS && states.every((state) => state.includes('cluster_state:ok'));
  }

  async function compose(): Promise<void> {
    for (let number = 0; number < 2 * MASTERS; number += 1) nodes.push(await start(number));
    const share = SLOTS / MASTERS;
    for (let number = 0; number < MASTERS; number += 1) {
      const range = [Math.ceil(number * share), Math.ceil((number + 1) * share) - 1].map(String);
      await at(number).client.call('CLUSTER', 'ADDSLOTSRANGE', ...range);
      await at(number).client.call('CLUSTER', 'SET-CONFIG-EPOCH', String(number + 1));
    }
    for (const { port, config } of nodes.slice(1))
      await at(0).client.call('CLUSTER', 'MEET', '127.0.0.1', String(port), config['cluster-port'] ?? '');
    await until(async () => {
      const views = await Promise.all(nodes.map(({ client }) => toldBy(client)));
      return views.every((view) => view.filter(({ flags }) => isSound(flags)).length === nodes.length);
    }, WHOLE_WITHIN_MS);
    const all = await told();
    for (let number = 0; number < MASTERS; number += 1) {
      const master = all.find(({ port }) => port === at(number).port)?.id ?? '';
      await at(MASTERS + number).client.call('CLUSTER', 'REPLICATE', master);
    }
    await cluster.untilWhole();
  }

  async function moveSlot(slot: string, { from, to, tell }: Move) {
    const { client } = from.node;
    await to.node.client.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', from.id);
    await client.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', to.id);
    for (;;) {
      const names = (await client.call('CLUSTER', 'GETKEYSINSLOT', slot, '10')) as string[];
      if (names.length === 0) break;
      const target = ['127.0.0.1', String(to.node.port), '', '0', String(MIGRATE_MS), 'AUTH', password];
      await client.call('MIGRATE', ...target, 'KEYS', ...names);
    }
    for (const node of tell) await node.client.call('CLUSTER', 'SETSLOT', slot, 'NODE', to.id);
  }

  const cluster: SessionCluster = {
    get url() {
      return `redis+cluster://:${password}@${nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}`;
    },
    masterOf: async (slot) => (await ownerOf(slot)).node.server,
    pairOf: async (slot) => [(await ownerOf(slot)).node.server, (await replicaOf(slot)).server],
    async cutReplica(slot) {
      const { client } = await replicaOf(slot);
      await client.config('SET', 'masterauth', 'wrong');
      await (await ownerOf(slot)).node.client.call('CLIENT', 'KILL', 'TYPE', 'replica');
      await until(async () => (await client.info('replication')).includes('master_link_status:down'));
    },
    async failOver(slot) {
      const replica = await replicaOf(slot);
      await replica.client.call('CLUSTER', 'FAILOVER');
      await until(async () => (await ownerOf(slot)).node === replica, WHOLE_WITHIN_MS);
      await cluster.untilWhole();
    },
    async moveSlots(first, last, toMasterOf) {
      const [from, to] = [await ownerOf(first), await ownerOf(toMasterOf)];
      // As redis-cli does, every master: from gossip alone not all may ever come to agree.
      const tell = [...new Set([to.node, from.node, ...mastersOf(await told())])];
      const slots = Array.from({ length: last - first + 1 }, (_, index) => String(first + index));
      for (let done = 0; done < slots.length; done += AT_ONCE)
        await Promise.all(slots.slice(done, done + AT_ONCE).map((slot) => moveSlot(slot, { from, to, tell })));
    },
    ask: async (slot, ...words) => (await ownerOf(slot)).node.client.call(...words),
    async startAgain(dead) {
      await Promise.allSettled(nodes.map(({ client }) => client.config('SET', 'masterauth', password)));
      const node = nodes.find(({ server }) => server === dead);
      if (!node) throw new Error('that server is not of this Cluster');
      node.server = await startRedis({ ...places, dataDir: node.dataDir, port: node.port, config: { ...node.config } });
    },
    untilWhole: () => until(() => isWhole().catch(() => false), WHOLE_WITHIN_MS),
    async close() {
      for (const { client } of nodes) client.disconnect();
      await Promise.all(nodes.map(({ server }) => server.kill()));
      rmSync(folder, { recursive: true, force: true });
    },
  };
  await compose().catch(async (error: unknown) => {
    await cluster.close();
    throw error;
  });
  return cluster;
}

async function toldBy(client: Redis): Promise<Told[]> {
  const text = String(await client.cluster('NODES'));
  return text
    .trim()
    .split('\n')
    .map((line) => {
      const [id = '', address = '', flags = '', master = '', , , , link = '', ...slots] = line.split(' ');
      return {
        id,
        port: Number(/:(\d+)@/.exec(address)?.[1]),
        flags: flags.split(','),
        master: master === '-' ? null : master,
        isLinked: link === 'connected',
        slots: slots.filter((one) => !one.startsWith('[')).map(rangeOf),
      };
    });
}

function rangeOf(text: string): readonly [number, number] {
  const [first = 0, last = first] = text.split('-').map(Number);
  return [first, last];
}

function isSound(flags: readonly string[]): boolean {
  return !flags.some((flag) => /^(fail\??|handshake|noaddr)$/.test(flag));
}
