// A Redis Cluster, as so many Redis as it has parts: each part has a slot of its own and a connection to the node that has the
// slot. So a part is what one Redis is: one connection, one server, one history. Where its slot goes, its connection goes after.
import { connect as connectPlain } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { connect as connectSecurely } from 'node:tls';
import { AbstractConnector, Redis, type RedisOptions } from 'ioredis';

interface Host {
  readonly host: string;
  readonly port: number;
}

/** What a client of any node needs to get in. */
type Access = Pick<RedisOptions, 'username' | 'password' | 'tls' | 'family'>;

/**
 * The tags of the parts. Their slots lie 1,024 apart, from 512: however many nodes share the slots out in ranges, each has about as
 * many parts. Another number of parts needs other tags: with these, a session's place is in the name of its key.
 */
const TAGS = [
  ...['04s', '003', 'pt6', '4x6', '0ay', '0e9', '4mt', '4i4'],
  ...['265', '22u', 'c0h', '6zp', 'gio', 'od7', '6o2', '6kr'],
] as const;
const SLOTS = 16_384;
const ANSWER_MS = 500;
/** How long a node may take to hang up. One that hangs never does. */
const HANG_UP_MS = 100;

/** Where the slots are, as the nodes tell it. */
function createClusterMap(seeds: readonly Host[], access: Access) {
  let known: readonly Host[] = seeds;
  let asking: Promise<readonly Range[]> | null = null;

  /** The first of all nodes that answers; those that are known so far, the given ones always among them. */
  async function askNodes(): Promise<readonly Range[]> {
    try {
      const ranges = await Promise.any(known.map((host) => askNode(host, access)));
      const told = ranges.flatMap(({ nodes }) => nodes);
      const all = [...seeds, ...told].map((host) => [`${host.host} ${host.port}`, host] as const);
      known = [...new Map(all).values()];
      return ranges;
    } catch (error) {
      const reasons = error instanceof AggregateError ? error.errors.map((one: Error) => one.message) : [];
      throw new Error(`no node of the Cluster says where its slots are: ${[...new Set(reasons)].join('; ')}`);
    }
  }

  return {
    /** The master of a slot at this moment. Throws where nobody knows. */
    async ownerOf(slot: number): Promise<Host> {
      asking ??= askNodes().finally(() => {
        asking = null;
      });
      const range = (await asking).find(({ first, last }) => first <= slot && slot <= last);
      const [owner] = range?.nodes ?? [];
      if (!owner) throw new Error(`no node of the Cluster has slot ${slot}`);
      return owner;
    },
  };
}

type ClusterMap = ReturnType<typeof createClusterMap>;

/** Of slots; the first of its nodes is the master. */
interface Range {
  readonly first: number;
  readonly last: number;
  readonly nodes: readonly Host[];
}

/** Throws where the node does not answer within half a second, or has lost the others. */
async function askNode(host: Host, access: Access): Promise<readonly Range[]> {
  const client = new Redis({
    ...access,
    ...host,
    lazyConnect: true,
    retryStrategy: () => null,
    enableReadyCheck: false,
    maxRetriesPerRequest: 0,
  });
  let reason: Error | null = null;
  client.on('error', (error: Error) => {
    reason = error;
  });
  const late = new AbortController();
  const silence = delay(ANSWER_MS, null, { signal: late.signal }).then(() => {
    throw new Error('no answer');
  });
  try {
    const answers = Promise.all([client.cluster('INFO'), client.cluster('SLOTS')]);
    const [info, slots] = await Promise.race([answers, silence]);
    if (!/^cluster_state:ok/m.test(String(info))) throw new Error('it says that the Cluster is down');
    return (slots as Slots).map(([first, last, ...nodes]) => ({
      first,
      last,
      // A node without an address of its own is where it was asked.
      nodes: nodes.map(([address, port]) => ({ host: address || host.host, port })),
    }));
  } catch (error) {
    const { message } = reason ?? (error as Error);
    throw new Error(`${host.host}:${host.port}: ${message}`);
  } finally {
    late.abort();
    client.disconnect();
  }
}

/** What CLUSTER SLOTS answers. */
type Slots = [first: number, last: number, ...nodes: [address: string | null, port: number, ...unknown[]][]][];

/** The options of the clients of a Cluster, one for each of its parts. `keyPrefix` stands before the tag. */
export function clusterParts(seeds: readonly Host[], access: Access, keyPrefix: string) {
  const map = createClusterMap(seeds, access);
  return TAGS.map((tag, part) => {
    const slot = (part * SLOTS) / TAGS.length + SLOTS / TAGS.length / 2;
    return {
      ...access,
      keyPrefix: `${keyPrefix}{${tag}}:`,
      Connector: connectorTo(map, slot),
      disconnectTimeout: HANG_UP_MS,
      // The slot is elsewhere now. The command fails, and the connection goes there.
      reconnectOnError: ({ message }: Error) => message.startsWith('MOVED '),
    };
  });
}

type Connector = InstanceType<NonNullable<RedisOptions['Connector']>>;
type Connect = Connector['connect'];

/** Connects to the node that has the slot; while nobody knows which that is, asks again as the client would connect again. */
function connectorTo(map: ClusterMap, slot: number): NonNullable<RedisOptions['Connector']> {
  return class extends AbstractConnector {
    readonly #options: RedisOptions;

    constructor(options: unknown) {
      const given = options as RedisOptions;
      super(given.disconnectTimeout ?? HANG_UP_MS);
      this.#options = given;
    }

    async connect(emit: Parameters<Connect>[0]): ReturnType<Connect> {
      this.connecting = true;
      for (let attempt = 1; ; attempt += 1) {
        try {
          const owner = await map.ownerOf(slot);
          if (!this.connecting) throw new Error('the connection is closed');
          this.stream = this.#open(owner);
          return this.stream;
        } catch (error) {
          // ioredis would give up for good.
          const wait = this.connecting ? this.#options.retryStrategy?.(attempt) : null;
          if (typeof wait !== 'number') throw error;
          emit('error', error as Error);
          await delay(wait);
        }
      }
    }

    #open(owner: Host): ReturnType<typeof connectPlain> {
      const { tls, family } = this.#options;
      const place = { ...owner, ...(family ? { family } : {}) };
      const stream = tls ? connectSecurely({ ...place, ...tls }) : connectPlain(place);
      stream.once('error', (error) => {
        this.firstError = error;
      });
      return stream;
    }

    /** Who was the master a moment ago may be a replica. */
    override check(info: { readonly role?: string }): boolean {
      return info.role === undefined || info.role === 'master';
    }

    /** However many commands ask for it at once. */
    override disconnect(): void {
      if (this.stream?.writable ?? true) super.disconnect();
      else this.connecting = false;
    }
  };
}
