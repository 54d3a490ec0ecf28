// A database file of places as a test wants it, in the format that MaxMind describes (MMDB 2.0): records of 32 bits.
import ipaddr from 'ipaddr.js';

export type MmdbValue = string | number | { readonly [name: string]: MmdbValue };

const NODE_BYTES = 8;
const MARKER = Buffer.from('\xab\xcd\xefMaxMind.com', 'latin1');

/** `networks`: each in CIDR notation, with what is known of it. An IPv4 network lies where IPv4 does in such a file. */
export function mmdb(networks: readonly (readonly [string, MmdbValue])[]): Buffer {
  const nodes: [Link, Link][] = [[null, null]];
  const data: Buffer[] = [];
  let dataBytes = 0;
  for (const [network, value] of networks) {
    const encoded = encode(value);
    insert(nodes, bitsOf(network), { at: dataBytes });
    data.push(encoded);
    dataBytes += encoded.length;
  }
  const tree = Buffer.alloc(nodes.length * NODE_BYTES);
  for (const [index, sides] of nodes.entries())
    for (const [side, link] of sides.entries())
      tree.writeUInt32BE(recordOf(link, nodes.length), index * NODE_BYTES + side * 4);
  const metadata = {
    binary_format_major_version: 2,
    binary_format_minor_version: 0,
    build_epoch: 1_700_000_000,
    database_type: 'Test',
    ip_version: 6,
    node_count: nodes.length,
    record_size: 32,
  };
  return Buffer.concat([tree, Buffer.alloc(16), ...data, MARKER, encode(metadata)]);
}

/** Another node, a record, or nothing. */
type Link = number | { readonly at: number } | null;

function recordOf(link: Link, nodes: number): number {
  if (link === null) return nodes;
  return typeof link === 'number' ? link : nodes + 16 + link.at;
}

function insert(nodes: [Link, Link][], bits: readonly (0 | 1)[], record: { readonly at: number }): void {
  let node = nodes[0] as [Link, Link];
  for (const [depth, bit] of bits.entries()) {
    if (depth === bits.length - 1) {
      node[bit] = record;
      return;
    }
    const next = node[bit];
    const index = typeof next === 'number' ? next : nodes.push([null, null]) - 1;
    node[bit] = index;
    node = nodes[index] as [Link, Link];
  }
}

function bitsOf(network: string): (0 | 1)[] {
  const [address, length] = ipaddr.parseCIDR(network);
  const isFour = address.kind() === 'ipv4';
  const bytes = [...Array.from({ length: isFour ? 12 : 0 }, () => 0), ...address.toByteArray()];
  const bits = bytes.flatMap((byte) => Array.from({ length: 8 }, (_, bit) => ((byte >> (7 - bit)) & 1) as 0 | 1));
  return bits.slice(0, length + (isFour ? 96 : 0));
}

/** Text, doubles, whole numbers up to 32 bits, maps. */
function encode(value: MmdbValue): Buffer {
  if (typeof value === 'string') return Buffer.concat([control(2, Buffer.byteLength(value)), Buffer.from(value)]);
  if (typeof value === 'object') {
    const entries = Object.entries(value);
    return Buffer.concat([
      control(7, entries.length),
      ...entries.flatMap(([name, one]) => [encode(name), encode(one)]),
    ]);
  }
  const bytes = Buffer.alloc(8);
  if (Number.isInteger(value) && value >= 0) {
    bytes.writeUInt32BE(value);
    return Buffer.concat([control(6, 4), bytes.subarray(0, 4)]);
  }
  bytes.writeDoubleBE(value);
  return Buffer.concat([control(3, 8), bytes]);
}

function control(type: number, size: number): Buffer {
  return size < 29 ? Buffer.from([(type << 5) | size]) : Buffer.from([(type << 5) | 29, size - 29]);
}
