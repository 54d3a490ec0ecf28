// Where Redis is and who may enter: what REDIS_URL and its companions say, as the client's options. Each part of the URL is
// honoured or refused with a sentence: none is dropped.
import type { RedisOptions } from 'ioredis';
import { clusterParts } from './redis-cluster.ts';
import { SteadySentinelConnector } from './sentinel-connector.ts';

/** As it was given, after a look at it ({@link readRedisUrl}). */
export interface RedisAddress {
  /**
   * `redis://`, `rediss://` for one server; `redis+sentinel://`, `rediss+sentinel://` for the master that Sentinels name;
   * `redis+cluster://`, `rediss+cluster://` for the nodes of a Cluster.
   */
  readonly url: string;
  readonly sentinelUser?: string | undefined;
  readonly sentinelPassword?: string | undefined;
  /** Certificates in PEM, beside none of those that Node.js brings. */
  readonly tlsCa?: string | undefined;
  /** The name that the certificates are for, where the address does not say it. */
  readonly tlsServerName?: string | undefined;
}

interface Host {
  readonly host: string;
  readonly port: number;
}

export interface RedisUrl {
  readonly hosts: readonly Host[];
  /** What the Sentinels call the master; null where there are none. */
  readonly master: string | null;
  /** Whether the hosts are nodes of a Cluster, some of them. */
  readonly cluster: boolean;
  readonly tls: boolean;
  readonly login: Pick<RedisOptions, 'username' | 'password'>;
  readonly database: number;
  readonly family: number;
}

type Tell = (problem: string) => void;

const SCHEMES = 'redis://, rediss://, redis+sentinel://, rediss+sentinel://, redis+cluster:// or rediss+cluster://';
const PORT = { server: 6_379, sentinel: 26_379 } as const;
/** Known to be away is better than waited for: the client asks again by itself. */
const SENTINEL_ANSWER_MS = 500;
const SENTINEL_AGAIN_MS = 1_000;
/** How long a server may take to hang up. One that hangs never does. */
const HANG_UP_MS = 100;

/** Reads a URL; `problems` holds a sentence for each part that can't be honoured, without its value. */
export function readRedisUrl(text: string): { readonly url: RedisUrl; readonly problems: readonly string[] } {
  const problems: string[] = [];
  const tell: Tell = (problem) => void problems.push(problem);
  // By hand: `new URL` knows no list of hosts.
  const [, scheme, several, authority = '', path = '', search = '', fragment] =
    /^(rediss?)(\+sentinel|\+cluster)?:\/\/([^/?#]*)(\/[^?#]*)?(?:\?([^#]*))?(#.*)?$/i.exec(text) ?? [];
  const [sentinel, cluster] = ['+sentinel', '+cluster'].map((suffix) => several?.toLowerCase() === suffix);
  if (scheme === undefined) tell(`expected a URL that starts with ${SCHEMES}`);
  if (fragment !== undefined) tell('no fragment (#…) is used; write # as %23');
  const [, , login = '', places = ''] = /^((.*)@)?([^@]*)$/.exec(authority) ?? [];
  const [, user = '', password = ''] = /^([^:]*)(?::(.*))?$/.exec(login) ?? [];
  const [master, database] = sentinel ? readSentinelPath(path, tell) : [null, readDatabase(path, tell)];
  const url = {
    hosts: readHosts(places, sentinel ? PORT.sentinel : PORT.server, tell),
    master,
    cluster: cluster === true,
    tls: scheme?.toLowerCase() === 'rediss',
    login: { ...named('username', decode(user, tell)), ...named('password', decode(password, tell)) },
    database,
    family: readFamily(search, tell),
  };
  if (cluster && database > 0) tell('a Cluster has one database, 0');
  if (several === undefined && url.hosts.length > 1)
    tell('several hosts are Sentinels, redis+sentinel://host,host/master, or a Cluster, redis+cluster://host,host');
  return { url, problems: scheme === undefined ? problems.slice(0, 1) : problems };
}

type ClientOptions = Omit<RedisOptions, 'replyMapping'>;

/** The options of the clients of a Cluster, one for each of its parts; `keyPrefix` comes before all their names. */
export function clusterOptionsOf(address: RedisAddress, keyPrefix: string): readonly ClientOptions[] {
  const { hosts, login, family } = readRedisUrl(address.url).url;
  return clusterParts(hosts, { ...login, family, ...named('tls', tlsOf(address)) }, keyPrefix);
}

function tlsOf({ url, tlsCa, tlsServerName }: RedisAddress): RedisOptions['tls'] {
  if (!readRedisUrl(url).url.tls) return undefined;
  return { ...named('ca', tlsCa), ...named('servername', tlsServerName) };
}

/** The client's options of an address without problems, which is none of a Cluster. */
export function redisOptionsOf(address: RedisAddress): ClientOptions {
  const { hosts, master, login, database, family } = readRedisUrl(address.url).url;
  const { sentinelUser, sentinelPassword } = address;
  const secured = tlsOf(address);
  const all = { ...login, db: database, family, ...named('tls', secured) };
  if (master === null) return { ...all, ...hosts[0] };
  return {
    ...all,
    Connector: SteadySentinelConnector as NonNullable<RedisOptions['Connector']>,
    sentinels: [...hosts],
    name: master,
    ...named('sentinelUsername', sentinelUser),
    ...named('sentinelPassword', sentinelPassword),
    ...(secured ? { enableTLSForSentinelMode: true, sentinelTLS: secured } : {}),
    failoverDetector: true,
    disconnectTimeout: HANG_UP_MS,
    sentinelCommandTimeout: SENTINEL_ANSWER_MS,
    sentinelReconnectStrategy: () => SENTINEL_AGAIN_MS,
    sentinelRetryStrategy: (attempt) => Math.min(attempt * 100, SENTINEL_AGAIN_MS),
  };
}

/** What was given beside the URL and means nothing to it, by the variable. */
export function unusedBeside({ url, ...given }: RedisAddress): readonly (keyof Omit<RedisAddress, 'url'>)[] {
  const { master, tls } = readRedisUrl(url).url;
  const unused = [
    ...(master === null ? (['sentinelUser', 'sentinelPassword'] as const) : []),
    ...(tls ? [] : (['tlsCa', 'tlsServerName'] as const)),
  ];
  return unused.filter((name) => given[name] !== undefined);
}

function readHosts(places: string, port: number, tell: Tell): Host[] {
  return places.split(',').flatMap((place) => {
    const [, host, given] = /^(\[[\da-f:.]+\]|[^\s:[\]]+)(?::(\d{1,5}))?$/i.exec(place.trim()) ?? [];
    if (host !== undefined && Number(given ?? port) <= 65_535)
      return [{ host: host.replace(/^\[(.*)\]$/, '$1'), port: Number(given ?? port) }];
    tell('expected host:port; an IPv6 address stands in [ ]');
    return [];
  });
}

function readDatabase(path: string, tell: Tell): number {
  if (!/^(\/\d{0,9})?$/.test(path)) tell('the path is the number of a database, such as /0');
  return Number(path.slice(1)) || 0;
}

function readSentinelPath(path: string, tell: Tell): [string, number] {
  const [, name = '', database = ''] = /^\/([^/]+)(\/\d{0,9})?$/.exec(path) ?? [];
  if (name === '') tell('the path is what the Sentinels call the master, then a database: /mymaster/0');
  return [decode(name, tell) ?? '', Number(database.slice(1)) || 0];
}

function readFamily(search: string, tell: Tell): number {
  let family = 0;
  for (const pair of search.split('&').filter((one) => one !== '')) {
    const [, value] = /^family=([046])$/.exec(pair) ?? [];
    if (value === undefined) tell(`only family=0, 4 or 6 may follow the ?, not ${pair.split('=', 1)[0]}`);
    else family = Number(value);
  }
  return family;
}

function decode(text: string, tell: Tell): string | undefined {
  try {
    return text === '' ? undefined : decodeURIComponent(text);
  } catch {
    tell('a % must be followed by two hexadecimal digits: write % as %25');
    return undefined;
  }
}

/** An option, where there is a value for it. */
function named<Name extends string, Value>(name: Name, value: Value | undefined): { [_ in Name]?: Value } {
  return (value === undefined ? {} : { [name]: value }) as { [_ in Name]?: Value };
}
