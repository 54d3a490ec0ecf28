// How the URLs and networks among the variables are read. A value that is taken means what it says: no part is dropped.
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import * as z from 'zod';
import { readEmail } from './platform/email-address.ts';
import { parseUrl } from './platform/parse-url.ts';
import { readDatabaseUrl } from './platform/postgres/database-url.ts';
import { readRedisUrl } from './platform/redis-address.ts';

/** An IPv4-mapped IPv6 address holds the IPv4 one after these bits. */
const MAPPED_BITS = 96;

type Network = [ipaddr.IPv4 | ipaddr.IPv6, number];
type UrlPart = 'username' | 'password' | 'pathname' | 'search' | 'hash';

const NO_FRAGMENT = 'no fragment (#…) is used';
const NO_NAME = { username: 'no user name is used', password: 'no password is used' };

const url = (...schemes: readonly string[]) =>
  z.string().refine((text) => schemes.includes(parseUrl(text)?.protocol.slice(0, -1) ?? ''), {
    message: `expected a URL that starts with ${schemes.map((scheme) => `${scheme}://`).join(' or ')}`,
    abort: true,
  });

const refusing = (parts: Readonly<Partial<Record<UrlPart, string>>>) => (text: string, context: z.RefinementCtx) => {
  const given = new URL(text);
  for (const [part, message] of Object.entries(parts)) {
    const value = given[part as UrlPart];
    if (value !== '' && !(part === 'pathname' && value === '/')) context.addIssue({ code: 'custom', message });
  }
};

/** What may follow the `?`, as nodemailer reads it: anything else it drops without a word. */
const SMTP_PARAMETERS = new Map(
  Object.entries({
    requireTLS: /^(true|false)$/,
    name: /^[\w.-]+$/,
    'tls.servername': /^[\w.-]+$/,
    'tls.rejectUnauthorized': /^(true|false)$/,
  }),
);

const smtpParts = (text: string, context: z.RefinementCtx) => {
  const refuse = (message: string) => context.addIssue({ code: 'custom', message });
  const { searchParams } = new URL(text);
  for (const [name, value] of searchParams) {
    const known = SMTP_PARAMETERS.get(name);
    if (!known) refuse(`the parameter ${name} is not supported; these are: ${[...SMTP_PARAMETERS.keys()].join(', ')}`);
    else if (!known.test(value) || searchParams.getAll(name).length > 1) refuse(`${name} is given wrongly, or twice`);
  }
};

/** A URI for security.txt (RFC 9116); an e-mail address is one of mailto. */
const securityContact = z.string().transform((text, context): string => {
  const email = readEmail(text.trim());
  if (email) return `mailto:${email}`;
  if (/^(?:mailto|tel|https):[\x21-\x7e]+$/.test(text.trim())) return text.trim();
  context.addIssue({ code: 'custom', message: 'expected an e-mail address, or a mailto:, https: or tel: address' });
  return z.NEVER;
});

/** A file of certificates in PEM, as its text. */
const certificates = z.string().transform((file, context) => {
  try {
    const text = readFileSync(file, 'utf8');
    new X509Certificate(text);
    return text;
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).syscall ? "can't be read" : 'holds no certificate in PEM';
    context.addIssue({ code: 'custom', message: `the file ${file} ${why}` });
    return z.NEVER;
  }
});

/** By what a URL leads to. */
export const urls = {
  certificates,
  hostName: z.string().regex(/^[\w.-]+$/, 'expected the name of a host'),
  contact: securityContact,
  public: url('http', 'https').superRefine(
    refusing({
      ...NO_NAME,
      pathname: 'the path is not used: Holdfast needs a host of its own, such as https://login.example.org',
      search: 'no query (?…) is used',
      hash: NO_FRAGMENT,
    }),
  ),
  database: z.string().superRefine((text, context) => {
    for (const message of readDatabaseUrl(text).problems) context.addIssue({ code: 'custom', message });
  }),
  redis: z.string().superRefine((text, context) => {
    const { url, problems } = readRedisUrl(text);
    for (const message of problems) context.addIssue({ code: 'custom', message });
    if (url.cluster)
      context.addIssue({ code: 'custom', message: 'a Cluster is for sessions alone: REDIS_SESSION_URLS' });
  }),
  /** Separated by spaces, because the address of Sentinels has commas. */
  redisList: z.string().transform((text, context) => {
    const list = text.split(/\s+/).filter((one) => one !== '');
    for (const [place, one] of list.entries()) {
      const tell = (message: string) =>
        context.addIssue({ code: 'custom', message: `address ${place + 1}: ${message}` });
      const { url, problems } = readRedisUrl(one);
      problems.forEach(tell);
      if (url.cluster && list.length > 1) tell('a Cluster stands alone');
      if (list.indexOf(one) < place) tell('it is in the list twice');
    }
    return list;
  }),
  smtp: url('smtp', 'smtps')
    .superRefine(refusing({ pathname: 'no path is used', hash: NO_FRAGMENT }))
    .superRefine(smtpParts),
  /** Of a service that web processes ask. */
  asked: url('https', 'http').superRefine(refusing({ ...NO_NAME, hash: NO_FRAGMENT })),
};

/**
 * A network in CIDR notation; an address without bits is a network of one. An IPv4-mapped network is the IPv4 one, as its
 * clients are. Null for anything else, also for short, octal or hexadecimal IPv4 addresses and for zones.
 */
export function readNetwork(text: string): Network | null {
  const [, address = '', length] = /^([\d.]+|[\da-f:.]+)(?:\/(\d{1,3}))?$/i.exec(text) ?? [];
  if (!isIP(address)) return null;
  const parsed = ipaddr.parse(address);
  const most = parsed.toByteArray().length * 8;
  const bits = length === undefined ? most : Number(length);
  if (bits > most) return null;
  if (!(parsed instanceof ipaddr.IPv6) || !parsed.isIPv4MappedAddress()) return [parsed, bits];
  return bits < MAPPED_BITS ? null : [parsed.toIPv4Address(), bits - MAPPED_BITS];
}
