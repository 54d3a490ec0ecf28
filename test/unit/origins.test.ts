// The origins of applications: they go into the configuration of proxies and into headers as they are.
import { expect, test } from '@jest/globals';
import { readOrigin } from '../../src/core/applications/origins.ts';

const read = (text: string) => readOrigin(text, 'https://holdfast.example.org');

test.each([
  'https://wiki.example.org',
  'https://my_wiki.example.org:8443',
  'https://192.0.2.7',
  'https://[2001:db8::1]:8443',
])('a host is taken: %s', (text) => expect(read(text)).toMatchObject({ ok: true, url: text }));

test('letters beyond ASCII are taken as DNS has them, however often', () => {
  const hosts = Array.from({ length: 20_000 }, () => read('https://bücher.example')).map(
    (one) => one.ok && one.hostname,
  );
  expect(new Set(hosts)).toEqual(new Set(['xn--bcher-kva.example']));
});

test.each([...';{}`"\'$&(),=!~+'])('a host with %s in it is none, though a URL may have it', (letter) => {
  expect(URL.canParse(`https://a${letter}b.example`)).toBe(true);
  expect(read(`https://a${letter}b.example`)).toEqual({ ok: false, problem: expect.stringContaining('A host is') });
});
