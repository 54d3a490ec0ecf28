// Whose address a request counts for: what a client writes about itself is believed from nobody but our own proxies.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import { clientAddress } from '../../src/web/request.ts';

const TRUSTED = ['10.0.0.0/8', '127.0.0.1/32', 'fd00::/8', '::1/128'].map((range) => ipaddr.parseCIDR(range));
const CLIENT = '203.0.113.9';

describe('clientAddress', () => {
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
    ['an address with a port', '10.0.0.1', `${CLIENT}:4711`, '10.0.0.1'],
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
  ])('%s', (_, socket, forwarded, expected) => expect(clientAddress(socket, forwarded, TRUSTED)).toBe(expected));

  test('is the socket’s own, whatever is claimed, where nobody is trusted', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.ipV4(), fc.ipV6()),
        fc.oneof(fc.string({ unit: 'binary' }), fc.ipV4()),
        (socket, claimed) => {
          expect(clientAddress(socket, claimed, [])).toBe(ipaddr.process(socket).toString());
        },
      ),
    );
  });

  test('is never the claim of a client behind a proxy, which writes what it saw at the end', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (claimed) => {
        expect(clientAddress('10.0.0.1', `${claimed}, ${CLIENT}`, TRUSTED)).toBe(CLIENT);
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
        const address = clientAddress(socket, hops.join(','), TRUSTED);
        if (address !== null) expect(address).toMatch(/^[0-9a-f:.]+$/);
      }),
    );
  });
});
