// What a URL of PostgreSQL says. Each part is honoured or refused with a sentence: none is dropped.
import type pg from 'pg';
import { fixedSettings, LIMITS } from './connection.ts';
import { TLS_PARAMETERS, tlsOf } from './database-tls.ts';

export interface DatabaseUrl {
  /** For a pool or a client, one a host. What the URL leaves out pg takes from `PGHOST`, `PGPORT`, `PGUSER` and `PGPASSWORD`. */
  readonly connections: Connections;
  /** A sentence for each part that can't be honoured; none of them holds a value. */
  readonly problems: readonly string[];
}

export type Connections = readonly [pg.ClientConfig, ...pg.ClientConfig[]];

type Parameters = ReadonlyMap<string, string>;
type Tell = (problem: string) => void;

const SCHEMES: ReadonlySet<string | undefined> = new Set(['postgresql', 'postgres']);
/** Of the URL's parts, and what libpq calls them as parameters. */
const PARTS = ['user', 'password', 'host', 'port', 'dbname'] as const;
const KNOWN: ReadonlySet<string> = new Set([
  ...[...PARTS, ...TLS_PARAMETERS],
  ...['schema', 'application_name', 'options', 'target_session_attrs'],
]);

/**
 * Reads `postgresql://user:password@host:5432/database?sslmode=verify-full`, and several hosts: `host-a:5432,host-b:5433`.
 */
export function readDatabaseUrl(text: string): DatabaseUrl {
  const problems: string[] = [];
  const tell: Tell = (problem) => void problems.push(problem);
  const given = parametersOf(text, tell);
  if (given === null) return { connections: [{}], problems };
  for (const name of given.keys()) {
    if (!KNOWN.has(name)) tell(`the parameter ${name} is not supported; these are: ${[...KNOWN].join(', ')}`);
  }
  const shared = {
    ...present(given, { user: 'user', password: 'password', database: 'dbname' }),
    ...present(given, { application_name: 'application_name', options: 'options' }),
    ...tlsOf(given, tell),
  };
  const [first, ...others] = hostsOf(given, tell);
  if (!given.get('dbname')) tell('it names no database, such as /holdfast');
  needPublicSchema(given, tell);
  needWrites(given, tell);
  return { connections: [{ ...first, ...shared }, ...others.map((host) => ({ ...host, ...shared }))], problems };
}

/** The same for code that can't go on with a bad one. */
export function databaseConnections(text: string, variable = 'DATABASE_URL'): Connections {
  const { connections, problems } = readDatabaseUrl(text);
  if (problems.length > 0) throw new Error(problems.map((problem) => `${variable}: ${problem}`).join('\n'));
  return connections;
}

/** Everything by libpq's names. Null for what is no such URL. */
function parametersOf(text: string, tell: Tell): Parameters | null {
  // By hand: `new URL` knows neither several hosts nor a user without a host, as of a socket.
  const [, scheme, authority = '', path = '', search = '', fragment] =
    /^([a-z]+):\/\/([^/?#]*)(?:\/([^?#]*))?(?:\?([^#]*))?(#.*)?$/i.exec(text.trim()) ?? [];
  if (!SCHEMES.has(scheme?.toLowerCase()) || fragment !== undefined) {
    tell(
      fragment === undefined
        ? 'expected a URL that starts with postgresql:// or postgres://'
        : 'no fragment (#…) is used; write # as %23',
    );
    return null;
  }
  const [, login, hosts = ''] = /^(?:(.*)@)?(.*)$/.exec(authority) ?? [];
  const [, user, password] = /^([^:]*)(?::(.*))?$/.exec(login ?? '') ?? [];
  const places = hosts.split(',').map((place) => /^(\[[^\]]*\]|[^:]*)(?::(\d*))?$/.exec(place));
  if (places.includes(null)) tell('expected host:port; an IPv6 address stands in [ ]');
  const host = places.map((place) => place?.[1]?.replace(/^\[(.*)\]$/, '$1') ?? '').join(',');
  const ports = places.map((place) => place?.[2] ?? '');
  const port = ports.every((one) => one === '') ? '' : ports.join(',');
  const pairs = search === '' ? [] : search.split('&').map((pair): [string, string] => splitPair(pair));
  const parts = [user, password, host, port, path];
  return decoded([...PARTS.map((name, index): [string, string] => [name, parts[index] ?? '']), ...pairs], tell);
}

function splitPair(pair: string): [string, string] {
  const [, name = pair, value = ''] = /^([^=]*)=(.*)$/s.exec(pair) ?? [];
  return [name, value];
}

/** What is empty counts as left out. A plus is a plus, as to libpq. */
function decoded(pairs: readonly [string, string][], tell: Tell): Parameters {
  const values = new Map<string, string>();
  for (const [name, value] of pairs.filter((pair) => pair[1] !== '' || !isPart(pair[0]))) {
    if (values.has(name)) tell(`${name} is given twice`);
    try {
      values.set(name, decodeURIComponent(value));
    } catch {
      tell(`${name} has a % that is no percent-encoding; write it as %25`);
    }
  }
  return values;
}

function isPart(name: string): boolean {
  return PARTS.some((part) => part === name);
}

function present(given: Parameters, names: Readonly<Record<string, string>>): pg.ClientConfig {
  return Object.fromEntries(
    Object.entries(names).flatMap(([name, parameter]) => {
      const value = given.get(parameter);
      return value ? [[name, value]] : [];
    }),
  );
}

/** As libpq pairs them: a port for each host, or one for all. */
function hostsOf(given: Parameters, tell: Tell): [pg.ClientConfig, ...pg.ClientConfig[]] {
  const [first = '', ...others] = (given.get('host') ?? '').split(',');
  const ports = given.get('port')?.split(',') ?? [];
  const several = others.length > 0;
  if (several && [first, ...others].some((host) => host === '' || host.startsWith('/')))
    tell('of several hosts each has a name or an address, and none is the folder of a socket');
  if (ports.length > 1 && ports.length !== others.length + 1) tell('there are not as many ports as hosts');
  const place = (host: string, index: number) => {
    const text = ports.length === 1 ? ports[0] : ports[index];
    return { ...(host ? { host } : {}), ...(text ? { port: portOf(text, tell) } : {}) };
  };
  return [place(first, 0), ...others.map((host, index) => place(host, index + 1))];
}

function portOf(text: string, tell: Tell): number {
  const port = Number(text);
  if (!(/^\d+$/.test(text) && port >= 1 && port <= 65_535)) tell('the port is 1 to 65535');
  return port;
}

function needWrites(given: Parameters, tell: Tell): void {
  if (!['read-write', 'primary'].includes(given.get('target_session_attrs') ?? 'read-write'))
    tell('target_session_attrs is read-write or primary: Holdfast writes');
}

/** The tables are in `public`, and so each connection says; what else it sets nobody can set before it. */
function needPublicSchema(given: Parameters, tell: Tell): void {
  if ((given.get('schema') ?? 'public') !== 'public') {
    tell("the parameter schema is not supported: Holdfast's tables are in the schema public");
  }
  const options = (given.get('options') ?? '').toLowerCase().replaceAll('-', '_').replace(/\s*=/g, '=');
  for (const name of ['client_encoding', ...Object.keys(fixedSettings(LIMITS))]) {
    if (options.includes(`${name.toLowerCase()}=`))
      tell(`${name} in options is not supported: Holdfast sets it itself, search_path to public`);
  }
}
