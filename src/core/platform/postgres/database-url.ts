// What a URL of PostgreSQL says. Each part is honoured or refused with a sentence: none is dropped.
import type pg from 'pg';
import { fixedSettings, LIMITS } from './connection.ts';
import { TLS_PARAMETERS, tlsOf } from './database-tls.ts';

export interface DatabaseUrl {
  /** For a pool or a client. What the URL leaves out pg takes from `PGHOST`, `PGPORT`, `PGUSER` and `PGPASSWORD`. */
  readonly connection: pg.ClientConfig;
  /** A sentence for each part that can't be honoured; none of them holds a value. */
  readonly problems: readonly string[];
}

type Parameters = ReadonlyMap<string, string>;
type Tell = (problem: string) => void;

const SCHEMES: ReadonlySet<string | undefined> = new Set(['postgresql', 'postgres']);
/** Of the URL's parts, and what libpq calls them as parameters. */
const PARTS = ['user', 'password', 'host', 'port', 'dbname'] as const;
const KNOWN: ReadonlySet<string> = new Set([...PARTS, ...TLS_PARAMETERS, 'schema', 'application_name', 'options']);

const SEVERAL = 'several hosts are not supported: give one';

/** Reads `postgresql://user:password@host:5432/database?sslmode=verify-full`. */
export function readDatabaseUrl(text: string): DatabaseUrl {
  const problems: string[] = [];
  const tell: Tell = (problem) => void problems.push(problem);
  const given = parametersOf(text, tell);
  if (given === null) return { connection: {}, problems };
  for (const name of given.keys()) {
    if (!KNOWN.has(name)) tell(`the parameter ${name} is not supported; these are: ${[...KNOWN].join(', ')}`);
  }
  const port = portOf(given, tell);
  const connection = {
    ...present(given, { user: 'user', password: 'password', host: 'host', database: 'dbname' }),
    ...present(given, { application_name: 'application_name', options: 'options' }),
    ...(port === undefined ? {} : { port }),
    ...tlsOf(given, tell),
  };
  if (!given.get('dbname')) tell('it names no database, such as /holdfast');
  if (given.get('host')?.includes(',')) tell(SEVERAL);
  needPublicSchema(given, tell);
  return { connection, problems };
}

/** The same for code that can't go on with a bad one. */
export function databaseConnection(text: string, variable = 'DATABASE_URL'): pg.ClientConfig {
  const { connection, problems } = readDatabaseUrl(text);
  if (problems.length > 0) throw new Error(problems.map((problem) => `${variable}: ${problem}`).join('\n'));
  return connection;
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
  const [, host, port] = /^(\[[^\]]*\]|[^:]*)(?::(\d*))?$/.exec(hosts) ?? [];
  if (host === undefined) tell(hosts.includes(',') ? SEVERAL : 'expected host:port; an IPv6 address stands in [ ]');
  const pairs = search === '' ? [] : search.split('&').map((pair): [string, string] => splitPair(pair));
  const parts = [user, password, host?.replace(/^\[(.*)\]$/, '$1'), port, path];
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

function portOf(given: Parameters, tell: Tell): number | undefined {
  const text = given.get('port');
  const port = Number(text);
  if (text !== undefined && !(/^\d+$/.test(text) && port >= 1 && port <= 65_535)) tell('the port is 1 to 65535');
  return text === undefined ? undefined : port;
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
