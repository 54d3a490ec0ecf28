// Whose address a request counts for: what a client writes about itself is believed from nobody but our own proxies.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import { clientAddress, type ForwardedHeader } from '../../src/web/http/client-address.ts';

const TRUSTED = ['10.0.0.0/8', '127.0.0.1/32', 'fd00::/8', '::1/128'].map((range) => ipaddr.parseCIDR(range));
const CLIENT = '203.0.113.9';

const read =
  (header: ForwardedHeader) =>
  (socket: string | undefined, value: string, trusted = TRUSTED) =>
    clientAddress(socket, { header, value }, trusted);

describe('the client by X-Forwarded-For', () => {
  const address = read('x-forwarded-for');

  test.each<[string, string | undefined, string, string | null]>([
    ['nobody in front', CLIENT, '', CLIENT],
    ['a client that claims another address', CLIENT, '6.6.6.6', CLIENT],
    ['a client that claims to be a proxy', CLIENT, '6.6.6.6, 10.0.0.1', CLIENT],
    ['a proxy', '10.0.0.1', CLIENT, CLIENT],
    ['a proxy on the same machine', '127.0.0.1', CLIENT, CLIENT],
    ['a proxy that says nothing', '10.0.0.1', '', '10.0.0.1'],
    ['two proxies', '10.0.0.1', `${CLIENT}, 10.0.0.2`, CLIENT],
    ['a proxy, and a client that lied to it', '10.0.0.1', `6.6.6.6, ${CLIENT}`, CLIENT],
    ['a proxy, and a client that claims to be one', '10.0.0.1', `10.9.9.9, ${CLIENT}, 10.0.0.2`, CLIENT],
    ['only proxies', '10.0.0.1', '10.0.0.3, 10.0.0.2', '10.0.0.3'],
    ['what is no address', '10.0.0.1', 'unknown', '10.0.0.1'],
    ['what is no address, behind a proxy', '10.0.0.1', `${CLIENT}, unknown, 10.0.0.2`, '10.0.0.2'],
    ['an address with a port', '10.0.0.1', `${CLIENT}:4711`, CLIENT],
    ['IPv6 in brackets', '10.0.0.1', '[2001:db8::7]', '2001:db8::7'],
    ['IPv6 in brackets, with a port', '10.0.0.1', '[2001:db8::7]:443', '2001:db8::7'],
    ['IPv4 in the clothes of IPv6, with a port', '10.0.0.1', `[::ffff:${CLIENT}]:51234`, CLIENT],
    ['quotes', '10.0.0.1', '"[2001:db8::7]:443"', '2001:db8::7'],
    ['two proxies, with ports', '10.0.0.1', `6.6.6.6:1, ${CLIENT}:51234, 10.0.0.2:80`, CLIENT],
    ['empty elements', '10.0.0.1', `${CLIENT}, ,`, CLIENT],
    ['empty elements between', '10.0.0.1', `${CLIENT},, 10.0.0.2`, CLIENT],
    ['a port that is none', '10.0.0.1', `${CLIENT}:http`, '10.0.0.1'],
    ['a port that is too long', '10.0.0.1', `${CLIENT}:123456`, '10.0.0.1'],
    ['an open bracket', '10.0.0.1', '[2001:db8::7', '10.0.0.1'],
    ['IPv4 in brackets', '10.0.0.1', `[${CLIENT}]`, '10.0.0.1'],
    ['a number', '10.0.0.1', '1', '10.0.0.1'],
    ['a number in hexadecimal', '10.0.0.1', '0x0a000001', '10.0.0.1'],
    ['commas', '10.0.0.1', ',,', '10.0.0.1'],
    ['spaces around it', '10.0.0.1', `  ${CLIENT}  `, CLIENT],
    ['IPv4 in the clothes of IPv6', '::ffff:10.0.0.1', `::ffff:${CLIENT}`, CLIENT],
    ['IPv6', 'fd00::1', '2001:DB8::0:1', '2001:db8::1'],
    ['IPv6 on the same machine', '::1', '2001:db8::1', '2001:db8::1'],
    ['the zone of a link', 'fe80::1%eth0', '', 'fe80::1'],
    ['the zone of a link, behind a proxy', '10.0.0.1', 'fe80::1%eth0', 'fe80::1'],
    ['a socket that is gone', undefined, CLIENT, null],
    ['a socket of another kind', '', CLIENT, null],
  ])('%s', (_, socket, forwarded, expected) => expect(address(socket, forwarded)).toBe(expected));

  test('names the proxy whose header can’t be read, and nobody else', () => {
    const unreadable = (socket: string, value: string) => {
      const proxies: string[] = [];
      clientAddress(socket, { header: 'x-forwarded-for', value }, TRUSTED, (proxy) => proxies.push(proxy));
      return proxies;
    };
    expect(unreadable('10.0.0.1', 'unknown')).toEqual(['10.0.0.1']);
    expect(unreadable('10.0.0.1', `unknown, 10.0.0.2`)).toEqual(['10.0.0.2']);
    expect(unreadable('10.0.0.1', CLIENT)).toEqual([]);
    expect(unreadable('10.0.0.1', '')).toEqual([]);
    expect(unreadable(CLIENT, 'unknown')).toEqual([]);
  });

  test('is the socket’s own, whatever is claimed, where nobody is trusted', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.ipV4(), fc.ipV6()),
        fc.oneof(fc.string({ unit: 'binary' }), fc.ipV4()),
        (socket, claimed) => {
          expect(address(socket, claimed, [])).toBe(ipaddr.process(socket).toString());
        },
      ),
    );
  });

  test('is never the claim of a client behind a proxy, which writes what it saw at the end', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (claimed) => {
        expect(address('10.0.0.1', `${claimed}, ${CLIENT}`)).toBe(CLIENT);
      }),
    );
  });

  test('is always one that a database takes, or none', () => {
    const odd = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.ipV4Extended(),
      fc.ipV6(),
      fc.ipV6().map((ip) => `${ip}%zone`),
    );
    fc.assert(
      fc.property(odd, fc.array(odd, { maxLength: 4 }), (socket, hops) => {
        const found = address(socket, hops.join(','));
        if (found !== null) expect(found).toMatch(/^[0-9a-f:.]+$/);
      }),
    );
  });
});

test.each<[string, ForwardedHeader, string, string]>([
  ['empty elements before another', 'x-forwarded-for', `${' ,'.repeat(30_000)}x, ${CLIENT}`, CLIENT],
  ['empty elements within one', 'x-forwarded-for', `6.6.6.6, x${' ,'.repeat(30_000)}x`, '10.0.0.1'],
  ['spaces within one', 'forwarded', `for=x${' '.repeat(60_000)}x`, '10.0.0.1'],
  ['quotes that are escaped', 'forwarded', `for="${'\\"'.repeat(30_000)}`, '10.0.0.1'],
  ['proxies alone', 'x-forwarded-for', `10.0.0.3${', 10.0.0.2'.repeat(6_000)}`, '10.0.0.3'],
])('sixty thousand characters of %s hold nobody up', (_, header, value, expected) => {
  const startedAt = performance.now();
  expect(read(header)('10.0.0.1', value)).toBe(expected);
  expect(performance.now() - startedAt).toBeLessThan(1_000); // some milliseconds; seconds where the time grows with the square
});

describe('the client by Forwarded', () => {
  const address = read('forwarded');

  test.each<[string, string | undefined, string, string | null]>([
    ['nobody in front', CLIENT, 'for=6.6.6.6', CLIENT],
    ['a proxy', '10.0.0.1', `for=${CLIENT}`, CLIENT],
    ['a proxy that says more', '10.0.0.1', `by=10.0.0.1;For=${CLIENT};proto=https;host="a,b;c=\\"d"`, CLIENT],
    ['two proxies', '10.0.0.1', `for=${CLIENT}, for=10.0.0.2`, CLIENT],
    ['two proxies without a space', '10.0.0.1', `for=${CLIENT},for=10.0.0.2`, CLIENT],
    ['a proxy, and a client that lied to it', '10.0.0.1', `for=6.6.6.6, for=${CLIENT}`, CLIENT],
    ['a client that left a quote open', '10.0.0.1', `for="6.6.6.6, for=${CLIENT}`, CLIENT],
    ['a client that left a quote open, and a proxy that quotes', '10.0.0.1', `for="a, for="${CLIENT}"`, CLIENT],
    ['a client that escapes the comma', '10.0.0.1', `for="a\\, for=${CLIENT};host="x"`, CLIENT],
    ['a host that looks like hops', '10.0.0.1', `for=${CLIENT};host="x, for=6.6.6.6"`, CLIENT],
    ['a host with a quote that looks like hops', '10.0.0.1', `for=${CLIENT};host="x\\", for=6.6.6.6;a=\\""`, CLIENT],
    ['IPv4 with a port', '10.0.0.1', `for="${CLIENT}:4711"`, CLIENT],
    ['IPv4 with a port that no quotes hold', '10.0.0.1', `for=${CLIENT}:4711`, '10.0.0.1'],
    ['IPv6', 'fd00::1', 'for="[2001:DB8::0:1]"', '2001:db8::1'],
    ['IPv6 with an obfuscated port', '::1', 'for="[2001:db8::1]:_x1"', '2001:db8::1'],
    ['IPv6 without brackets', '10.0.0.1', 'for="2001:db8::1"', '10.0.0.1'],
    ['IPv4 in brackets', '10.0.0.1', `for="[${CLIENT}]"`, '10.0.0.1'],
    ['a hop that hides itself', '10.0.0.1', `for=${CLIENT}, for=_hidden`, '10.0.0.1'],
    ['a hop that knows nothing, behind a proxy', '10.0.0.1', `for=${CLIENT}, for=unknown, for=10.0.0.2`, '10.0.0.2'],
    ['two addresses in one hop', '10.0.0.1', `for=${CLIENT};for=6.6.6.6`, '10.0.0.1'],
    ['none in the hop', '10.0.0.1', 'proto=https', '10.0.0.1'],
    ['spaces where none may be', '10.0.0.1', `for= ${CLIENT}`, '10.0.0.1'],
    ['the other header’s form', '10.0.0.1', CLIENT, '10.0.0.1'],
    ['nothing but marks', '10.0.0.1', ',;",', '10.0.0.1'],
    ['a socket that is gone', undefined, `for=${CLIENT}`, null],
  ])('%s', (_, socket, forwarded, expected) => expect(address(socket, forwarded)).toBe(expected));

  const token = fc.stringMatching(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,8}$/);
  const text = fc.oneof(
    fc.string({ unit: 'grapheme-ascii' }),
    fc.stringMatching(/^[",;=\\ a]*$/),
    fc.array(fc.constantFrom('for=', '6.6.6.6', '"', ',', ';', '\\', ' ', '"[', ']"')).map((parts) => parts.join('')),
  );
  const quoted = text.map((value) => `"${value.replaceAll(/["\\]/g, '\\$&')}"`);
  /** What a proxy may write beside the address, before and after it. */
  const pairs = fc.array(
    fc
      .tuple(
        token.filter((name) => name.toLowerCase() !== 'for'),
        fc.oneof(token, quoted),
      )
      .map((pair) => pair.join('=')),
    { maxLength: 3 },
  );
  const node = fc.constantFrom(`for=${CLIENT}`, `for="${CLIENT}"`, `FOR="${CLIENT}:1"`);

  test('is never the claim of a client behind a proxy, whatever it sent and whatever the proxy adds', () => {
    fc.assert(
      fc.property(text, pairs, node, pairs, (claimed, before, own, after) => {
        expect(address('10.0.0.1', `${claimed}, ${[...before, own, ...after].join(';')}`)).toBe(CLIENT);
      }),
      { numRuns: 2_000 },
    );
  });

  test('names the proxy whose header can’t be read, and nobody else', () => {
    const unreadable = (socket: string, value: string) => {
      const proxies: string[] = [];
      clientAddress(socket, { header: 'x-forwarded-for', value }, TRUSTED, (proxy) => proxies.push(proxy));
      return proxies;
    };
    expect(unreadable('10.0.0.1', 'unknown')).toEqual(['10.0.0.1']);
    expect(unreadable('10.0.0.1', `unknown, 10.0.0.2`)).toEqual(['10.0.0.2']);
    expect(unreadable('10.0.0.1', CLIENT)).toEqual([]);
    expect(unreadable('10.0.0.1', '')).toEqual([]);
    expect(unreadable(CLIENT, 'unknown')).toEqual([]);
  });

  test('is the socket’s own, whatever is claimed, where nobody is trusted', () => {
    fc.assert(fc.property(text, (claimed) => expect(address('10.0.0.1', claimed, [])).toBe('10.0.0.1')));
  });

  test('is found in time that grows with the header’s length alone', () => {
    for (const unit of ['",', '\\"', ';', 'a=";', '"\\', 'for=10.0.0.1,']) {
      expect(address('10.0.0.1', unit.repeat(200_000 / unit.length))).toBe('10.0.0.1');
    }
  });
});
