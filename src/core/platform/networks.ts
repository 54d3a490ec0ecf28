// What counts as one client, and as one network, of an address: an IPv6 subscriber has a /64 at least, and a /56 or a /48 is
// often one customer's.
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import QuickLRU from 'quick-lru';

/** Prefixes wider than a client, narrowest first. */
export const WIDER = [56, 48] as const;

/** The length of a prefix that may be one customer's. */
export type WiderPrefix = (typeof WIDER)[number];

export interface WiderNetwork {
  readonly bits: WiderPrefix;
  /** Such as `2001:db8:1::/48`. */
  readonly network: string;
}

interface Networks {
  readonly client: string;
  readonly wider: readonly WiderNetwork[];
}

const UNKNOWN: Networks = { client: 'unknown', wider: [] };

/** Each request asks several times about its address, and floods come from few. */
const KEPT = 2_000;
const LONGEST_KEPT = 45;
const known = new QuickLRU<string, Networks>({ maxSize: KEPT });

/** What counts as one client: an IPv4 address, or the /64 of an IPv6 address, which one subscriber has whole. */
export function clientKey(ip: string | null): string {
  return networksOf(ip).client;
}

/** The /56 and the /48 of an IPv6 address, narrowest first; none of an IPv4 address. */
export function widerNetworks(ip: string | null): readonly WiderNetwork[] {
  return networksOf(ip).wider;
}

function networksOf(ip: string | null): Networks {
  if (ip === null) return UNKNOWN;
  const found = known.get(ip);
  if (found) return found;
  const networks = findNetworks(ip);
  if (ip.length <= LONGEST_KEPT) known.set(ip, networks);
  return networks;
}

function findNetworks(ip: string): Networks {
  if (!ipaddr.isValid(ip)) return UNKNOWN;
  const address = ipaddr.process(ip);
  if (address instanceof ipaddr.IPv4) return { client: address.toString(), wider: [] };
  const wider = WIDER.map((bits) => ({ bits, network: networkOf(address, bits) }));
  return { client: networkOf(address, 64), wider };
}

function networkOf({ parts }: ipaddr.IPv6, bits: 64 | WiderPrefix): string {
  const kept = parts.slice(0, Math.ceil(bits / 16));
  const last = kept.length - 1;
  const loose = kept.length * 16 - bits;
  kept[last] = ((kept[last] ?? 0) >> loose) << loose;
  return `${kept.map((part) => part.toString(16)).join(':')}::/${bits}`;
}

/** Whether only this machine can be meant: `localhost`, a name below it (RFC 6761), or a loopback address. */
export function isLoopback(hostname: string): boolean {
  const host = hostname.toLowerCase().replace(/^\[(.*)\]$/, '$1');
  if (host === 'localhost' || host.endsWith('.localhost')) return true;
  return isIP(host) !== 0 && ipaddr.process(host).range() === 'loopback';
}
