// The file that AUDIT_DRAINS_FILE names: where the worker sends the log. It is the operating system's administrator who says
// so, not an operator in the console: whoever takes over a session can't have the log sent to themselves.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import * as z from 'zod';
import { isLoopback } from '../platform/networks.ts';
import { parseUrl } from '../platform/parse-url.ts';
import type { DescribedDrain } from './drain-table.ts';
import { FORMATS, type FormatName } from './formats/format.ts';
import type { Target } from './receivers/open-receiver.ts';
import { readCertificates, readKeys, Unreadable } from './secrets.ts';

export interface DrainSettings extends Omit<DescribedDrain, 'kind' | 'format'> {
  readonly format: FormatName;
  /** Of which `target` is what people may see. */
  readonly receiver: Target;
}

const MEBIBYTE = 1_048_576;
const SYSLOG_PORTS = { tcp: 514, tls: 6_514 } as const;

const shape = z.strictObject({
  drains: z
    .array(
      z.strictObject({
        name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,39}$/, 'expected up to 40 small letters, digits and -'),
        to: z.string(),
        format: z.enum(FORMATS).default('holdfast'),
        start: z.union([z.enum(['beginning', 'now']), z.int().min(1)]).default('beginning'),
        secretFile: z.string().optional(),
        caFile: z.string().optional(),
        rotateMegabytes: z.int().min(1).max(100_000).default(100),
        keep: z.int().min(1).max(1_000).default(10),
      }),
    )
    .refine((drains) => new Set(drains.map(({ name }) => name)).size === drains.length, 'two have the same name'),
});

type Given = z.output<typeof shape>['drains'][number];

/** Of the file, or of none. A problem is a sentence; none holds a secret. */
export function readDrainFile(file: string | null): {
  readonly drains: readonly DrainSettings[];
  readonly problems: readonly string[];
} {
  if (file === null) return { drains: [], problems: [] };
  try {
    // A warning of the parser would print lines of the file, in which a URL may be secret.
    const read = shape.safeParse(parse(readFileSync(file, 'utf8'), { logLevel: 'error' }));
    if (!read.success)
      return { drains: [], problems: read.error.issues.map(({ path: at, message }) => `${at.join('.')}: ${message}`) };
    const problems: string[] = [];
    const drains = read.data.drains.flatMap((given) => {
      try {
        return [settingsOf(given)];
      } catch (error) {
        if (!(error instanceof Unreadable)) throw error;
        problems.push(`${given.name}: ${error.message}`);
        return [];
      }
    });
    return { drains, problems };
  } catch (error) {
    const { code, name } = error as NodeJS.ErrnoException;
    return {
      drains: [],
      problems: [`${file} ${code?.startsWith('E') ? `can't be read (${code})` : `is no YAML (${name})`}`],
    };
  }
}

function settingsOf(given: Given): DrainSettings {
  const { name, format, start } = given;
  const url = parseUrl(given.to);
  if (!url) throw new Unreadable('to: expected https://…, syslog+tls://…, syslog+tcp://… or file:/…');
  if (url.username || url.password || url.hash) throw new Unreadable('to: no user name, password or fragment is used');
  const described = { name, format, start };
  if (url.protocol === 'https:' || url.protocol === 'http:')
    return { ...described, target: url.origin, receiver: webhook(url, given) };
  if (url.protocol === 'syslog+tls:' || url.protocol === 'syslog+tcp:') {
    const receiver = syslog(url, given);
    return { ...described, target: `${url.protocol}//${url.hostname}:${receiver.port}`, receiver };
  }
  if (url.protocol !== 'file:') throw new Unreadable(`to: ${url.protocol} is not supported`);
  if (given.secretFile || given.caFile) throw new Unreadable('a file needs no secretFile and no caFile');
  const receiver = {
    kind: 'file',
    path: pathOf(url),
    rotateBytes: given.rotateMegabytes * MEBIBYTE,
    keep: given.keep,
  } as const;
  return { ...described, target: receiver.path, receiver };
}

function pathOf(url: URL): string {
  try {
    return path.resolve(fileURLToPath(url));
  } catch {
    throw new Unreadable('to: expected a path on this machine, such as file:/var/log/holdfast/audit.ndjson');
  }
}

function webhook(url: URL, { secretFile, caFile }: Given) {
  if (url.protocol === 'http:' && !isLoopback(url.hostname))
    throw new Unreadable('to: only https://, but for a receiver on the same machine');
  if (!secretFile) throw new Unreadable('secretFile: a webhook needs it, to sign what it sends');
  return { kind: 'webhook', url: url.href, keys: readKeys(secretFile), ca: readCertificates(caFile) } as const;
}

function syslog({ protocol, hostname, port, pathname, search }: URL, { secretFile, caFile }: Given) {
  if (!hostname || (pathname !== '' && pathname !== '/') || search)
    throw new Unreadable('to: expected a host and a port, such as syslog+tls://logs.example.org:6514');
  if (secretFile) throw new Unreadable('secretFile: syslog has no secret');
  const tls = protocol === 'syslog+tls:' ? { ca: readCertificates(caFile) } : null;
  if (tls === null && caFile) throw new Unreadable('caFile: it is for syslog+tls://');
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  return { kind: 'syslog', host, port: Number(port) || SYSLOG_PORTS[tls ? 'tls' : 'tcp'], tls } as const;
}
