// What is too long to be an address, a password or a code is brought into no other form: a form takes 16 KiB from anybody.
import { afterEach, expect, jest, test } from '@jest/globals';
import { MAX_BYTES, normalisePassword } from '../../src/core/credentials/passwords.ts';
import { plainCode } from '../../src/core/factors/typed-code.ts';
import { emailKey, readEmail } from '../../src/core/platform/email-address.ts';

const LONG = 'a'.repeat(15_000);
const MOST_CHARACTERS = 1_024;

const composing = jest.spyOn(String.prototype, 'normalize');
afterEach(() => void composing.mockClear());

test.each([
  ['address', readEmail],
  ['address as it is compared', emailKey],
  ['password', normalisePassword],
  ['code', plainCode],
])('a long %s is composed no further than one may be long', (_, read) => {
  for (const text of [LONG, `${LONG}@example.org`, `a@${LONG}.org`]) read(text);
  const lengths = composing.mock.contexts.map((text) => String(text).length);
  expect(Math.max(0, ...lengths)).toBeLessThanOrEqual(MOST_CHARACTERS);
});

test('a domain that is too long has no ASCII form, and is only like itself', () => {
  const email = `A@${'a.'.repeat(150)}org`;
  expect(readEmail(email)).toBeNull();
  expect(emailKey(email)).toBe(email.toLowerCase());
});

test('what may be typed is read as ever, up to the longest', () => {
  const decomposed = 'a\u0301'.repeat(MAX_BYTES / 2);
  expect(normalisePassword(decomposed)).toBe('\u00e1'.repeat(MAX_BYTES / 2));
  const domain = `${'u\u0308'.repeat(20)}.de`;
  expect(readEmail(`a@${domain}`)).toBe(`a@${domain.normalize('NFC')}`);
  expect(emailKey(` A@${domain} `)).toBe(emailKey(`a@${domain.normalize('NFC')}`));
  expect(plainCode(` ${'1 2 3 '.repeat(2)}`)).toBe('123123');
});
