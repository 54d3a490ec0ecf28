// How the URLs and networks among the variables are read. A value that is taken means what it says: no part is dropped.
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { z } from 'zod';
import { readEmail } from './platform/email-address.ts';
import { readDatabaseUrl } from './platform/postgres/database-url.ts';

/** An IPv4-mapped IPv6 address holds the IPv4 one after these bits. */
const MAPPED_BITS = 96;

type Network = [ipaddr.IPv4 | ipaddr.IPv6, number];
type UrlPart = 'username' | 'password' | 'pathname' | 'search' | 'hash';

const NO_FRAGMENT = 'no fragment (#…) is used';
const NO_NAME = { username: 'no user name is used', password: 'no password is used' };

const url = (...schemes: readonly string[]) =>
  z.string().refine((text) => URL.canParse(text) && schemes.includes(new URL(text).protocol.slice(0, -1)), {
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

const redisParts = (text: string, context: z.RefinementCtx) => {
  const { pathname, searchParams } = new URL(text);
  const refuse = (message: string) => context.addIssue({ code: 'custom', message });
  if (!/^(\/\d*)?$/.test(pathname)) refuse('the path is the number of a database, such as /0');
  for (const [name, value] of searchParams) {
    if (name !== 'family' || !/^[046]$/.test(value)) refuse(`only family=0, 4 or 6 may follow the ?, not ${name}`);
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

/** By what a URL leads to. */
/** A URI for security.txt (RFC 9116); an e-mail address is one of mailto. */
const securityContact = z.string().transform((text, context): string => {
  const email = readEmail(text.trim());
  if (email) return `mailto:${email}`;
  if (/^(?:mailto|tel|https):[\x21-\x7e]+$/.test(text.trim())) return text.trim();
  context.addIssue({ code: 'custom', message: 'expected an e-mail address, or a mailto:, https: or tel: address' });
  return z.NEVER;
});

export const urls = {
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
  redis: url('redis', 'rediss')
    .superRefine(refusing({ hash: NO_FRAGMENT }))
    .superRefine(redisParts),
  smtp: url('smtp', 'smtps')
    .superRefine(refusing({ pathname: 'no path is used', hash: NO_FRAGMENT }))
    .superRefine(smtpParts),
  breaches: url('https', 'http').superRefine(refusing({ ...NO_NAME, hash: NO_FRAGMENT })),
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
