// Who is in front of us: the socket's address, or what proxies that are trusted say of theirs. The header is read from the
// right, where the nearest proxy writes, one hop at a time: whatever a client wrote before that is never reached, however it
// is formed. docs/decisions/0012 says why only one header is read, and why no library reads it.
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

type Address = ipaddr.IPv4 | ipaddr.IPv6;
type Network = [Address, number];

/** The last hop of a header, without spaces, and what stands before it; null as hop if it is no address. */
interface Hop {
  readonly address: Address | null;
  readonly rest: string;
}

/** The headers that a proxy may write, and how the last hop of each is read. */
const READERS = { 'x-forwarded-for': lastOfList, forwarded: lastElement } as const satisfies Record<
  string,
  (value: string) => Hop
>;

export type ForwardedHeader = keyof typeof READERS;

/**
 * The client's address: the socket's, or, where that is a trusted proxy, the nearest one in the header that is not.
 * A hop that is not well formed ends the search at the last hop that was believed.
 */
export function clientAddress(
  socketAddress: string | undefined,
  { header, value }: { header: ForwardedHeader; value: string },
  trusted: readonly Network[],
): string | null {
  let address = parse(socketAddress);
  for (let rest = value; address !== null && rest !== '' && isTrusted(address, trusted); ) {
    const hop = READERS[header](rest);
    if (hop.address === null) break;
    address = hop.address;
    rest = hop.rest;
  }
  return address?.toString() ?? null;
}

function lastOfList(value: string): Hop {
  const comma = value.lastIndexOf(',');
  return { address: parse(value.slice(comma + 1).trim()), rest: value.slice(0, Math.max(0, comma)) };
}

const PAIR = /^([!#$%&'*+\-.^_`|~\w]+)=(?:([!#$%&'*+\-.^_`|~\w]+)|"((?:[^"\\]|\\.)*)")$/;
/** RFC 7239 §6: an address, an IPv6 one in brackets, and perhaps a port, which may be obfuscated. */
const NODE = /^(?:\[([^\]]*)\]|([^:[\]]+))(?::(?:\d{1,5}|_[\w.-]+))?$/;

/** RFC 7239 §4. A comma or semicolon inside of quotes separates nothing. */
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

/** What an element's one `for` says, given its pairs from the right; null if any of them is not well formed. */
function addressOf(pairs: readonly string[]): Address | null {
  const last = pairs.length - 1;
  const found = pairs
    .map((pair, index) => (index === last ? pair.replace(/^[ \t]+/, '') : pair))
    .map((pair, index) => (index === 0 ? pair.replace(/[ \t]+$/, '') : pair))
    .filter((pair) => pair !== '')
    .map((pair) => PAIR.exec(pair));
  if (found.includes(null)) return null;
  const nodes = found.filter((pair) => pair?.[1]?.toLowerCase() === 'for');
  const node = NODE.exec(nodes[0]?.[2] ?? nodes[0]?.[3]?.replace(/\\(.)/g, '$1') ?? '');
  if (nodes.length !== 1 || !node) return null;
  const [, six, four] = node;
  return isIP(six ?? '') === 6 || isIP(four ?? '') === 4 ? parse(six ?? four) : null;
}

function parse(text: string | undefined): Address | null {
  return text !== undefined && isIP(text) ? ipaddr.process(text.replace(/%.*$/, '')) : null;
}

function isTrusted(address: Address, trusted: readonly Network[]): boolean {
  return trusted.some(([network, bits]) => network.kind() === address.kind() && address.match(network, bits));
}
