// Which e-mail addresses there are, and which two are one.
import { describe, expect, test } from '@jest/globals';
import { emailKey, readEmail } from '../../src/core/platform/email-address.ts';

const LOCAL_64 = 'l'.repeat(64);

describe('an e-mail address', () => {
  test.each([
    'person@example.org',
    'first.last+tag@example.org',
    "o'brien!#$%&*/=?^_`{|}~-@example.org",
    '.dots..everywhere.@example.org',
    'user@xn--e1afmkfd.xn--p1ai',
    'user@xn--r8jz45g.xn--q9jyb4c',
    'user@xn--mnchen-3ya.de',
    'user@münchen.de',
    'user@пример.рф',
    'user@例え.みんな',
    'user@उदाहरण.भारत',
    'user@مثال.إختبار',
    'user@نامه‌ای.com',
    'user@l·l.cat',
    'user@a.museum',
    'user@3com.com',
    `${LOCAL_64}@example.org`,
  ])('is %s, kept as typed', (typed) => expect(readEmail(`  ${typed} `)).toBe(typed));

  test.each([
    '',
    '@',
    'nobody',
    'a@b',
    '@example.org',
    'name@',
    'a b@example.org',
    'a@example.org, b@example.org',
    'a@exa mple.org',
    'a@example..org',
    'a@-example.org',
    'a@example-.org',
    'a@example.org.',
    'a@exa%6dple.org',
    'a@example.org/path',
    'a@example.org:25',
    'a@127.0.0.1',
    'a@[127.0.0.1]',
    'a@0x7f.1',
    'a@١٢٧.٠.٠.١',
    'a@exa_mple.org',
    'имя@example.org',
    'Name <a@example.org>',
    'a@example.org\nBcc: b@example.org',
    `l${LOCAL_64}@example.org`,
    `a@${'x'.repeat(64)}.org`,
    `a@${'ü'.repeat(60)}.org`,
    `a@${'abc.'.repeat(63)}org`,
  ])('is not %j', (typed) => expect(readEmail(typed)).toBeNull());
});

describe('one address', () => {
  test.each([
    ['Person@Example.ORG', 'person@example.org'],
    ['user@münchen.de', 'user@xn--mnchen-3ya.de'],
    ['user@MÜNCHEN.DE', 'user@XN--MNCHEN-3YA.DE'],
    ['user@münchen.de'.normalize('NFD'), 'user@münchen.de'.normalize('NFC')],
    ['user@пример.рф', 'user@xn--e1afmkfd.xn--p1ai'],
    ['user@例え。みんな', 'user@xn--r8jz45g.xn--q9jyb4c'],
    ['user@ｅｘａｍｐｌｅ.org', 'user@example.org'],
  ])('is %s and %s', (one, other) => {
    expect(readEmail(one)).not.toBeNull();
    expect(emailKey(one)).toBe(emailKey(other));
  });

  test.each([
    ['a@example.org', 'b@example.org'],
    ['a.b@example.org', 'ab@example.org'],
    ['user@münchen.de', 'user@munchen.de'],
    ['user@faß.de', 'user@fass.de'],
  ])('is not %s and %s', (one, other) => expect(emailKey(one)).not.toBe(emailKey(other)));

  test.each(['not an address', 'deleted:0193', '', 'ÀB'])('has a key whatever was typed: %j', (typed) =>
    expect(emailKey(typed)).toBe(typed.toLowerCase()),
  );
});
