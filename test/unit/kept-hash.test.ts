// What an export gives out of a password that came from elsewhere: a text that any system reads where there is one, and always
// what an import here makes the same of.
import { describe, expect, test } from '@jest/globals';
import { readImportedHash } from '../../src/core/credentials/imported/imported-hash.ts';
import { readKeptHash, writeKeptHash } from '../../src/core/moving/kept-hash.ts';
import { lines, readLine } from '../support/imported/lines.ts';

const kept = lines.flatMap((line) => {
  const read = readLine(line);
  return read.kind === 'hash' && read.secret === null && !read.weak ? [{ line, ...read }] : [];
});

describe('a password that came from elsewhere and goes on', () => {
  test('is the same to an import, however it was made', () => {
    expect(kept.length).toBeGreaterThan(500);
    for (const { scheme, stored } of kept) {
      const fields = writeKeptHash(scheme, stored);
      expect([scheme, readKeptHash(fields) ?? readImportedHash(fields, {})]).toEqual([
        scheme,
        expect.objectContaining({ kind: 'hash', stored }),
      ]);
    }
  });

  test.each(['rails:bcrypt', 'laravel:bcrypt', 'crypt:sha512crypt', 'php:argon2i'])(
    'is of %s the text that every system knows',
    (scheme) => {
      const of = kept.filter(({ line }) => line.scheme === scheme);
      expect(of.length).toBeGreaterThan(0);
      for (const { line, stored } of of)
        expect(writeKeptHash(scheme, stored)).toEqual({ password_scheme: scheme, password_hash: line.stored });
    },
  );

  test('is named by what it is where its own name says more', () => {
    const text = `$2b$04$${'a'.repeat(53)}`;
    const read = readImportedHash({ password_hash: text }, {});
    const stored = read.kind === 'hash' ? read.stored : '';
    expect(writeKeptHash('keycloak', stored)).toEqual({ password_scheme: 'bcrypt', password_hash: text });
  });
});
