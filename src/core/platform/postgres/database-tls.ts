// The encryption that a URL of PostgreSQL asks for.
import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';
import type pg from 'pg';

type Tell = (problem: string) => void;
type Parameters = ReadonlyMap<string, string>;
type Tls = Pick<pg.ClientConfig, 'ssl' | 'sslnegotiation'>;

export const TLS_PARAMETERS = ['ssl', 'sslmode', 'sslrootcert', 'sslcert', 'sslkey', 'sslnegotiation'] as const;

/** `require` and `verify-ca` check the host's name too: they are `verify-full`. */
const MODES: Readonly<Record<string, ConnectionOptions | false>> = {
  disable: false,
  require: {},
  'verify-ca': {},
  'verify-full': {},
  'no-verify': { rejectUnauthorized: false },
};
const SHORT: Readonly<Record<string, string>> = { true: 'verify-full', false: 'disable' };
const FILES = [
  ['sslrootcert', 'ca'],
  ['sslcert', 'cert'],
  ['sslkey', 'key'],
] as const;

/** Empty where the URL says nothing of it. A socket's file needs no encryption. */
export function tlsOf(given: Parameters, tell: Tell): Tls {
  if (!TLS_PARAMETERS.some((name) => given.has(name))) return {};
  const wanted = modeOf(given, tell);
  const negotiation = negotiationOf(given, tell);
  const files = FILES.filter(([name]) => given.has(name));
  if (wanted === false || given.get('host')?.startsWith('/')) {
    if (files.length > 0 || negotiation === 'direct') tell('certificates need an encrypted connection over TCP');
    return { ssl: false };
  }
  const contents = files.map(([name, option]) => [option, fileOf(name, given, tell)] as const);
  return {
    ssl: { ...wanted, ...Object.fromEntries(contents.filter(([, content]) => content !== undefined)) },
    ...(negotiation === undefined ? {} : { sslnegotiation: negotiation }),
  };
}

function modeOf(given: Parameters, tell: Tell): ConnectionOptions | false | undefined {
  const [short, mode] = [given.get('ssl'), given.get('sslmode')];
  if (short !== undefined && mode !== undefined) tell('ssl and sslmode are both given');
  if (short !== undefined && !Object.hasOwn(SHORT, short)) tell('ssl is true or false');
  const name = mode ?? SHORT[short ?? ''];
  if (name !== undefined && !Object.hasOwn(MODES, name)) tell(`sslmode is one of ${Object.keys(MODES).join(', ')}`);
  return MODES[name ?? 'verify-full'];
}

function negotiationOf(given: Parameters, tell: Tell): 'postgres' | 'direct' | undefined {
  const way = given.get('sslnegotiation');
  if (way === undefined || way === 'postgres' || way === 'direct') return way;
  tell('sslnegotiation is postgres or direct');
  return undefined;
}

/** `sslrootcert=system` means the authorities that Node knows. */
function fileOf(name: string, given: Parameters, tell: Tell): string | undefined {
  const file = given.get(name) ?? '';
  if (name === 'sslrootcert' && file === 'system') return undefined;
  try {
    return readFileSync(file, 'utf8');
  } catch {
    tell(`the file of ${name} can't be read`);
    return undefined;
  }
}
