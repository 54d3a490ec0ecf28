// Where a log-in may lead: a path of this site, whatever anybody writes into `?next=`.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readNext } from '../../src/web/http/form.ts';

const SITE = 'https://a.example';

/** What browsers and their forgiving parsers might read as another host, in every order. */
const PIECES = [
  ...['/', '//', '\\', '.', '..', '%2e', '%2E', '%2f', '%5c', '@', ':', ':443', '?', '#', ';', '&', '='],
  ...['\t', '\n', '\r', '\0', ' ', '%09', '%0a', '%00', '\u3002', '\uff0f', '\u2028', '\u00e9', '\ud800'],
  ...['evil.example', 'http:', 'https:', 'javascript:', 'data:', 'a', 'login', '[::1]', '127.1', 'profile'],
];

const hostile = fc.oneof(
  fc.array(fc.constantFrom(...PIECES), { maxLength: 12 }).map((pieces) => pieces.join('')),
  fc.array(fc.constantFrom(...PIECES), { maxLength: 12 }).map((pieces) => `/${pieces.join('')}`),
  fc.string({ unit: 'binary', maxLength: 40 }).map((text) => `/${text}`),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.webUrl({ withQueryParameters: true, withFragments: true }),
);

describe('readNext', () => {
  test('never leaves the site, nor the header that it is written into', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const next = readNext(text);
        if (next === null) return;
        expect(new URL(next, SITE).origin).toBe(SITE);
        expect(new URL(next, `${SITE}/login`).href).toBe(`${SITE}${next}`);
        expect(next).toMatch(/^\/(?![/\\])[\x21-\x7e]*$/);
        expect(readNext(next)).toBe(next);
      }),
      { numRuns: 20_000 },
    );
  });

  test('keeps every path of ours, with its query', () => {
    const segment = fc.string({ unit: fc.constantFrom(...'abcXYZ019-_~!$'), minLength: 1, maxLength: 8 });
    const path = fc.array(segment, { maxLength: 5 }).map((parts) => `/${parts.join('/')}`);
    const search = fc.dictionary(segment, fc.string()).map((pairs) => new URLSearchParams(pairs).toString());
    fc.assert(
      fc.property(path, search, (pathname, query) => {
        const wanted = query === '' ? pathname : `${pathname}?${query}`;
        if (wanted.length <= 6_500) expect(readNext(wanted)).toBe(wanted);
      }),
    );
  });

  test.each([
    ['/', '/'],
    ['/profile', '/profile'],
    ['/operator/audit?type=a&person=b%40c', '/operator/audit?type=a&person=b%40c'],
    ['/a/../b', '/b'],
    ['/profile#part', '/profile'],
    ['/?next=//evil.example', '/?next=//evil.example'],
    ['/%2f/evil.example', '/%2f/evil.example'],
  ])('%s leads to %s', (text, next) => expect(readNext(text)).toBe(next));

  test.each([
    undefined,
    '',
    'profile',
    '//evil.example',
    '/\\evil.example',
    '/..//evil.example',
    '/.//evil.example',
    '/%2e//evil.example',
    '/a/%2E%2e//evil.example',
    '/a/..//evil.example?x',
    '/a\\..\\b',
    'https://a.example/',
    '/\t/evil.example',
    `/${'a'.repeat(6_500)}`,
  ])('%j leads nowhere', (text) => expect(readNext(text)).toBeNull());
});
