// The client's address behind trusted proxies. The header is read from the right, where the nearest
// proxy writes, so that what a client wrote itself is never reached. Why one header, and no
// library: docs/decisions/0012.
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

type Address = ipaddr.IPv4 | ipaddr.IPv6;
type Network = [Address, number];

/** The last hop of a header, null if it is no address, and what stands before it. */
interface Hop {
  readonly address: Address | null;
  readonly rest: string;
}

const READERS = { 'x-forwarded-for': lastOfList, forwarded: lastElement } as const satisfies Record<
  string,
  (value: string) => Hop
>;

export type ForwardedHeader = keyof typeof READERS;

/** The nearest address that is no trusted proxy's. A malformed hop ends the search at the proxy that `onUnreadable` is given. */
export function clientAddress(
  socketAddress: string | undefined,
  { header, value }: { header: ForwardedHeader; value: string },
  trusted: readonly Network[],
  onUnreadable: (proxy: string) => void = () => undefined,
): string | null {
  let address = parse(socketAddress);
  for (let rest = value; address !== null && rest !== '' && isTrusted(address, trusted); ) {
    const hop = READERS[header](rest);
    if (hop.address === null) {
      onUnreadable(address.toString());
      break;
    }
    address = hop.address;
    rest = hop.rest;
  }
  return address?.toString() ?? null;
}

/** Tells which sockets are a trusted proxy's. */
export function createTrust(trusted: readonly Network[]): (socketAddress: string) => boolean {
  return (socketAddress) => {
    const address = parse(socketAddress);
    return address !== null && isTrusted(address, trusted);
  };
}

/** RFC 9110 §5.6.1: empty elements of a list count for nothing. */
const withoutEmptyEnd = (value: string) => trimmedEnd(value, /[\s,]/);

/** Character by character: a pattern that repeats until the end is tried again at each place of a long run within the text. */
function trimmedEnd(value: string, dropped: RegExp): string {
  let end = value.length;
  while (end > 0 && dropped.test(value.charAt(end - 1))) end -= 1;
  return value.slice(0, end);
}

function lastOfList(value: string): Hop {
  const list = withoutEmptyEnd(value);
  const comma = list.lastIndexOf(',');
  const element = list
    .slice(comma + 1)
    .trim()
    .replace(/^"(.*)"$/, '$1');
  const address = parse(element) ?? nodeAddress(element);
  return { address, rest: withoutEmptyEnd(list.slice(0, Math.max(0, comma))) };
}

const PAIR = /^([!#$%&'*+\-.^_`|~\w]+)=(?:([!#$%&'*+\-.^_`|~\w]+)|"((?:[^"\\]|\\.)*)")$/;
/** RFC 7239 §6: an address, IPv6 in brackets, perhaps with a port. */
const NODE = /^(?:\[([^\]]*)\]|([^:[\]]+))(?::(?:\d{1,5}|_[\w.-]+))?$/;

/** RFC 7239 §4: a comma or semicolon in quotes separates nothing. */
function lastElement(value: string): Hop {
  const pairs: string[] = [];
  let [at, end, quoted] = [value.length - 1, value.length, false];
  for (; at >= 0; at -= 1) {
    const character = value[at];
    if (character === '"' && !isEscaped(value, at)) quoted = !quoted;
    if (quoted || (character !== ',' && character !== ';')) continue;
    pairs.push(value.slice(at + 1, end));
    end = at;
    if (character === ',') break;
  }
  if (at < 0) pairs.push(value.slice(0, end));
  return { address: quoted ? null : addressOf(pairs), rest: value.slice(0, Math.max(0, at)) };
}

function isEscaped(value: string, at: number): boolean {
  let before = at;
  while (value[before - 1] === '\\') before -= 1;
  return (at - before) % 2 === 1;
}

/** The address of an element's one `for`; null if any pair, from the right, is malformed. */
function addressOf(pairs: readonly string[]): Address | null {
  const last = pairs.length - 1;
  const found = pairs
    .map((pair, index) => (index === last ? pair.replace(/^[ \t]+/, '') : pair))
    .map((pair, index) => (index === 0 ? trimmedEnd(pair, /[ \t]/) : pair))
    .filter((pair) => pair !== '')
    .map((pair) => PAIR.exec(pair));
  if (found.includes(null)) return null;
  const nodes = found.filter((pair) => pair?.[1]?.toLowerCase() === 'for');
  return nodes.length === 1 ? nodeAddress(nodes[0]?.[2] ?? nodes[0]?.[3]?.replace(/\\(.)/g, '$1') ?? '') : null;
}

function nodeAddress(text: string): Address | null {
  const [, six, four] = NODE.exec(text) ?? [];
  return isIP(six ?? '') === 6 || isIP(four ?? '') === 4 ? parse(six ?? four) : null;
}

function parse(text: string | undefined): Address | null {
  return text !== undefined && isIP(text) ? ipaddr.process(text.replace(/%.*$/, '')) : null;
}

function isTrusted(address: Address, trusted: readonly Network[]): boolean {
  return trusted.some(([network, bits]) => network.kind() === address.kind() && address.match(network, bits));
}
