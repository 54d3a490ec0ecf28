// Hashes of other systems: what is read, what is refused, and by what name.
import { execFileSync } from 'node:child_process';
import { createHash, createHmac, pbkdf2Sync, scryptSync } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { verify } from '@node-rs/argon2';
import fc from 'fast-check';
import { check } from '../../src/core/credentials/imported/check.ts';
import {
  type ImportedHash,
  type ImportedPerson,
  readImportedHash,
  wrapWeak,
} from '../../src/core/credentials/imported/imported-hash.ts';
import { lines, readLine } from '../support/imported/lines.ts';

const CODES = [
  'unknown_scheme',
  'ambiguous_scheme',
  'malformed_hash',
  'unsupported_scheme',
  'missing_secret',
  'both_password_fields',
  'hash_parameters_out_of_bounds',
];
const COST = { memoryKib: 1_024, passes: 1, lanes: 1 };

/** crypt(3) of the machine, by Perl, of all of them at once. */
function cryptsOf(passwords: readonly string[], setting: string): string[] {
  const script = 'my $setting = shift; print join("\\n", map { crypt($_, $setting) } @ARGV)';
  return execFileSync('perl', ['-e', script, setting, ...passwords], { encoding: 'utf8' }).split('\n');
}

function cryptOf(password: string, setting: string): string {
  return cryptsOf([password], setting)[0] ?? '';
}

const read = (person: ImportedPerson) => readImportedHash(person, {});
const readText = (password_hash: string, password_scheme?: string) => read({ password_hash, password_scheme });

function stored(found: ImportedHash): { stored: string; secret: string | null } {
  if (found.kind !== 'hash') throw new Error(`it is of the kind ${found.kind}`);
  return { stored: found.stored, secret: found.secret?.value ?? null };
}

describe('every line of real systems', () => {
  test('is read as its scheme says', () => {
    expect(lines).toHaveLength(1_112);
    for (const line of lines) {
      const found = readLine(line);
      const said = found.kind === 'error' ? found.code : found.kind;
      const { expect: kind = 'ok' } = line;
      const allowed = { ok: ['hash', 'argon2id'], unsupported: ['unsupported_scheme'], unusable: ['unusable'] }[kind];
      expect([line.scheme, line.stored, allowed]).toEqual([line.scheme, line.stored, expect.arrayContaining([said])]);
    }
  });

  test('that is weak opens with its password alone, and rests as Argon2id', async () => {
    const weak = lines.filter((line) => {
      const found = readLine(line);
      return found.kind === 'hash' && found.weak;
    });
    expect(weak.length).toBeGreaterThan(400);
    for (const line of weak) {
      const { stored: bare, secret } = stored(readLine(line));
      const wrapped = await wrapWeak(bare, COST);
      expect(JSON.parse(wrapped).is.argon2).toMatch(/^\$argon2id\$v=19\$m=1024,t=1,p=1\$/);
      const opens = (typed: string) => check({ stored: wrapped, typed, secret });
      const longer = line.truncated_at !== undefined;
      const got = [opens(line.password), opens(`${line.password}x`)];
      expect([line.scheme, line.password, ...got]).toEqual([line.scheme, line.password, true, longer]);
    }
  });

  test('without a declared scheme is the same, or asks for one', () => {
    for (const line of lines.filter(({ scheme }) => !LOOK_LIKE_OTHERS.has(scheme))) {
      const [found, bare] = [readLine(line), readLine(line, null)];
      if (bare.kind === 'error' && /^(ambiguous|unknown)_scheme$/.test(bare.code)) continue;
      expect([line.scheme, settled(bare)]).toEqual([line.scheme, settled(found)]);
    }
  });
});

/** A prehash or a change of form can't be seen in the text. */
const LOOK_LIKE_OTHERS = new Set([
  'flask-bcrypt:sha256-bcrypt',
  'symfony:native',
  'symfony:bcrypt',
  'phpbb:argon2id',
  'wcf2:bcrypt-twice',
  'shield:sha384-bcrypt',
  'spring:sha256-secret',
]);

/** But for what it is called, and forms that are tried besides. */
function settled(found: ImportedHash): unknown {
  if (found.kind !== 'hash') return { ...found, scheme: null };
  return { ...found, scheme: null, stored: { ...JSON.parse(found.stored), forms: null } };
}

describe('a hash that asks for too much', () => {
  test.each([
    ['$argon2id$v=19$m=104857600,t=3,p=4$c29tZXNhbHQ$aGFzaGhhc2hoYXNoaGFzaA'],
    ['$argon2id$v=19$m=4294967295,t=1,p=1$c29tZXNhbHQ$aGFzaGhhc2hoYXNoaGFzaA'],
    ['$argon2id$v=19$m=65536,t=101,p=4$c29tZXNhbHQ$aGFzaGhhc2hoYXNoaGFzaA'],
    ['$argon2id$v=19$m=65536,t=3,p=65$c29tZXNhbHQ$aGFzaGhhc2hoYXNoaGFzaA'],
    ['pbkdf2_sha256$2147483648$salt$aGFzaGhhc2hoYXNoaGFzaA=='],
    ['pbkdf2:sha256:10000001$salt$00ff'],
    ['$2y$17$CJczB/E2LEpq2FwqGez7y.n0lMaEzLjNDOps.9m1ky3CrzywfEV5q'],
    ['$2y$31$CJczB/E2LEpq2FwqGez7y.n0lMaEzLjNDOps.9m1ky3CrzywfEV5q'],
    ['$scrypt$ln=30,r=8,p=1$c29tZXNhbHQ$aGFzaA'],
    ['$scrypt$ln=99,r=8,p=1$c29tZXNhbHQ$aGFzaA'],
    ['scrypt:32768:65536:1$salt$00ff'],
    ['scrypt:1024:8:4294967295$salt$00ff'],
    [`$6$rounds=999999999$salt$${'a'.repeat(86)}`],
    ['$shiro1$SHA-256$2147483647$c2FsdA==$nkyd96A4bT+SEq4PV+sneraaYYmzuXm7aixJ/ScszU0='],
    ['{FSHP1|16|4294967295}q5XSmvN+L6X0PgcAwDgHYN3ClW60em8CGv0m4jxBL1d3o0v9pYuq2Zq/LHwMaFoi'],
    ['$P$SQNAz7zsSfLkv9cR85s.AoxNsUL2Sn.'],
    ['$sha1$2147483647$mSsY1rPP$05AqX955Wn0Hnk/xiRr/swSFMrrl'],
    [`sha1$salt$10000001$${'0f'.repeat(20)}`],
    // Little for its one great block, but 8 GiB for its lanes.
    ['$scrypt$ln=1,r=1048576,p=64$c29tZXNhbHQ$aGFzaGhhc2hoYXNoaGFzaA'],
    [`pbkdf2_sha256$10000000$salt$${Buffer.alloc(1_024).toString('base64')}`],
  ])('is named so: %s', (text) => {
    expect(readText(text)).toEqual({ kind: 'error', code: 'hash_parameters_out_of_bounds' });
  });

  test('in the table is not begun', () => {
    const recipe = { steps: [{ do: 'pbkdf2', of: 'sha256', salt: '', iterations: 2 ** 31, length: 32 }], is: 'AAAA' };
    const checking = () => check({ stored: JSON.stringify(recipe), typed: 'a password', secret: null });
    expect(checking).toThrow('asks for too much work');
  });

  test('at the bound is taken in', () => {
    const key = 'aGFzaGhhc2hoYXNoaGFzaA';
    for (const text of [`pbkdf2_sha256$10000000$salt$${key}==`, `$scrypt$ln=18,r=8,p=1$c29tZXNhbHQ$${key}`]) {
      expect(readText(text).kind).toBe('hash');
    }
    expect(readText('$argon2id$v=19$m=1048576,t=100,p=64$c29tZXNhbHQ$aGFzaGhhc2hoYXNoaGFzaA').kind).toBe('hash');
  });
});

describe('what is wrong with a person', () => {
  const BCRYPT = '$2b$04$SKzy/QS41GwwTCzJDWhSJ.LfKO6VDrT9Fd1tSd32TYI4QgDAdyXwS';

  test.each<[ImportedPerson, string]>([
    [{ password_hash: BCRYPT, custom_password_hash: { algorithm: 'bcrypt' } }, 'both_password_fields'],
    [{ password_hash: BCRYPT, password_columns: { hash: BCRYPT } }, 'both_password_fields'],
    [{ password_hash: '5f4dcc3b5aa765d61d8327deb882cf99' }, 'ambiguous_scheme'],
    [{ password_hash: 'bCSZjDNkT/bOA' }, 'ambiguous_scheme'],
    [{ password_hash: '$7$101$qN0+ILZ1HbvMGnb3$Vz4hKVgKuGoEBqOkeGm7jQ==' }, 'ambiguous_scheme'],
    [{ password_hash: '$6$+D1B6l8smHCWWJqO$Ce7JdfggFTNbZ8DS2mqyYg==' }, 'ambiguous_scheme'],
    [{ password_hash: '{PBKDF2}10000$iKppitX7.4erqOA.BqIFCQ$wtp7p3MKAcw5NynSi' }, 'ambiguous_scheme'],
    [{ password_hash: '{MD5}bYZBhS6gZNdQyjhJz02CyQ==' }, 'ambiguous_scheme'],
    [{ password_hash: 'nothing that anybody writes' }, 'unknown_scheme'],
    [{ password_hash: BCRYPT, password_scheme: 'cobol:rot13' }, 'unknown_scheme'],
    [
      { password_hash: '$y$j9T$cvgnl/I5AiFMQYNhvFqMj0$n6CO655yUVVkbKzq9M1F/PwGLCA9rQQ9180F0l3CLQC' },
      'unsupported_scheme',
    ],
    [{ password_hash: BCRYPT.slice(0, -1) }, 'malformed_hash'],
    [{ password_hash: BCRYPT, password_scheme: 'django:pbkdf2_sha256' }, 'malformed_hash'],
    [{ password_columns: { encrypted_password: BCRYPT }, password_scheme: 'devise:bcrypt-pepper' }, 'missing_secret'],
    [
      { password_columns: { passwordHash: 'AAAA', salt: 'AAAA' }, password_scheme: 'firebase:scrypt' },
      'missing_secret',
    ],
    [{ password_hash: 'pbkdf2_sha256$1000$salt$aGFzaA==' }, 'malformed_hash'],
    [{ password_hash: `pbkdf2:constructor:1000$salt$${'0f'.repeat(32)}` }, 'malformed_hash'],
    [{ password_hash: '$argon2id$v=19$m=64,t=3,p=4$c29tZXNhbHQ$aGFzaGhhc2hoYXNoaGFzaB' }, 'malformed_hash'],
    [{ password_hash: '$argon2id$v=19$m=64,t=3,p=4$c29tZXNhbHQ$aGFzaGhhc2hoYXNoaGFz_A' }, 'malformed_hash'],
    [{ password_hash: '$argon2id$v=19$m=64,t=3,p=4$c29tZXNh$aGFzaGhhc2hoYXNoaGFzaA' }, 'malformed_hash'],
    [{ custom_password_hash: { algorithm: 'whirlpool', hash: { value: '00' } } }, 'unknown_scheme'],
    [{ custom_password_hash: { algorithm: 'md5', hash: { value: 'xyz', encoding: 'hex' } } }, 'malformed_hash'],
  ])('has a name: %j', (person, code) => {
    expect(read(person)).toEqual({ kind: 'error', code });
  });

  test.each(['', '!', '!!', '*', '!gnpIBHfQluuYNA0EGverNMjbhx633DQFxdct3FSJ', '{CRYPT}*', '{CRYPT}!', '*LK*'])(
    'is none where there is no password: %j',
    (text) => {
      expect(readText(text)).toEqual({ kind: 'unusable' });
      expect(readText(text, 'ldap')).toEqual({ kind: 'unusable' });
      expect(read({})).toEqual({ kind: 'unusable' });
    },
  );

  test('takes a secret of the file, and says which it needs', () => {
    const person = { password_columns: { encrypted_password: BCRYPT }, password_scheme: 'devise:bcrypt-pepper' };
    const found = readImportedHash(person, { pepper: 'a pepper of the file' });
    expect(found).toMatchObject({ kind: 'hash', secret: { name: 'pepper', value: 'a pepper of the file' } });
    expect(JSON.stringify(stored(found).stored)).not.toContain('a pepper of the file');
  });
});

describe('Auth0’s object', () => {
  const opens = (custom_password_hash: Record<string, unknown>, typed: string) =>
    check({ ...stored(read({ custom_password_hash })), typed });
  const digest = (of: string, text: string) => createHash(of).update(text);
  const CASES: readonly (readonly [string, Record<string, unknown>])[] = [
    ['md5', { algorithm: 'md5', hash: { value: digest('md5', 'secret').digest('hex'), encoding: 'hex' } }],
    [
      'sha256',
      { algorithm: 'sha256', hash: { value: digest('sha256', 'secret').digest('base64'), encoding: 'base64' } },
    ],
    [
      'sha512 after a salt',
      {
        algorithm: 'sha512',
        hash: { value: digest('sha512', 'saltsecret').digest('hex'), encoding: 'hex' },
        salt: { value: 'salt', position: 'prefix' },
      },
    ],
    [
      'sha1 before a salt',
      {
        algorithm: 'sha1',
        hash: { value: digest('sha1', 'secretsalt').digest('hex'), encoding: 'hex' },
        salt: { value: Buffer.from('salt').toString('base64'), encoding: 'base64', position: 'suffix' },
      },
    ],
    [
      'hmac',
      {
        algorithm: 'hmac',
        hash: {
          value: createHmac('sha256', 'key').update('secret').digest('hex'),
          encoding: 'hex',
          digest: 'sha256',
          key: { value: '6b6579', encoding: 'hex' },
        },
      },
    ],
    [
      'scrypt',
      {
        algorithm: 'scrypt',
        hash: { value: scryptSync('secret', 'salt', 64, { N: 1024 }).toString('base64'), encoding: 'base64' },
        salt: { value: 'salt', encoding: 'utf8' },
        cost: 1024,
      },
    ],
    [
      'pbkdf2',
      {
        algorithm: 'pbkdf2',
        hash: {
          value: `$pbkdf2-sha256$i=1000,l=32$c2FsdA$${pbkdf2Sync('secret', 'salt', 1000, 32, 'sha256').toString('base64').replace('=', '')}`,
          encoding: 'utf8',
        },
      },
    ],
    ['bcrypt', { algorithm: 'bcrypt', hash: { value: cryptOf('secret', '$2b$04$abcdefghijklmnopqrstuu') } }],
    ['ldap', { algorithm: 'ldap', hash: { value: `{SHA}${digest('sha1', 'secret').digest('base64')}` } }],
    [
      'md4 of UTF-16',
      {
        algorithm: 'md4',
        // NT's hash of "secret", as crypt(3) makes it.
        hash: { value: cryptOf('secret', '$3$').slice(4), encoding: 'hex' },
        password: { encoding: 'utf16le' },
      },
    ],
  ];

  test.each(CASES)('of %s', (_, custom) => {
    expect([opens(custom, 'secret'), opens(custom, 'secretx')]).toEqual([true, false]);
  });
});

describe('what crypt(3) makes', () => {
  // Every length around the blocks of the digests, which naive copies of the algorithm get wrong.
  const lengths = [1, 8, 9, 15, 16, 17, 31, 32, 33, 55, 63, 64, 65, 96, 127, 128, 129];

  test.each(['$5$saltstring', '$6$rounds=1000$saltstring', '$1$saltsalt'])('%s, of any length', (setting) => {
    const passwords = lengths.map((length) => 'ä'.repeat(length));
    const texts = cryptsOf(passwords, setting);
    for (const [index, typed] of passwords.entries()) {
      const [length, text] = [typed.length, texts[index] ?? ''];
      const opens = (password: string) => check({ ...stored(readText(text)), typed: password });
      expect([length, opens(typed), opens(`${typed}x`)]).toEqual([length, true, false]);
    }
  });

  test('$2x$ with the fault of old, beyond ASCII', () => {
    const text = cryptOf('ñandú ü', '$2x$04$abcdefghijklmnopqrstuu');
    const opens = (typed: string) => check({ ...stored(readText(text)), typed });
    expect(text).toMatch(/^\$2x\$/);
    expect(text.slice(4)).not.toBe(cryptOf('ñandú ü', '$2y$04$abcdefghijklmnopqrstuu').slice(4));
    expect([opens('ñandú ü'), opens('ñandú u')]).toEqual([true, false]);
  });
});

describe('anything at all', () => {
  const kinds = ['hash', 'argon2id', 'unusable', 'error'];
  const schemes = fc.constantFrom(...new Set(lines.map(({ scheme }) => scheme)), null);

  function expectNamed(found: ImportedHash): void {
    expect(kinds).toContain(found.kind);
    if (found.kind === 'error') expect(CODES).toContain(found.code);
  }

  test('as a hash is read, or refused by a name', () => {
    const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 200 }), damaged(lines));
    fc.assert(
      fc.property(text, schemes, (password_hash, scheme) => {
        expectNamed(readText(password_hash, scheme ?? undefined));
      }),
      { numRuns: 3_000 },
    );
  });

  test('as columns too', () => {
    const names = [...new Set(lines.flatMap(({ stored: of }) => (typeof of === 'string' ? [] : Object.keys(of))))];
    const columns = fc.dictionary(fc.constantFrom(...names), fc.oneof(fc.string(), fc.integer(), fc.jsonValue()));
    fc.assert(
      fc.property(columns, schemes, (password_columns, scheme) => {
        expectNamed(read({ password_columns, password_scheme: scheme ?? undefined }));
      }),
      { numRuns: 3_000 },
    );
  });

  test('as Auth0’s object too', () => {
    const algorithms = [
      'argon2',
      'bcrypt',
      'hmac',
      'ldap',
      'md4',
      'md5',
      'sha1',
      'sha256',
      'sha512',
      'pbkdf2',
      'scrypt',
    ];
    const part = fc.oneof(fc.jsonValue(), fc.record({ value: fc.string(), encoding: fc.string() }));
    const custom = fc.record({
      algorithm: fc.constantFrom(...algorithms),
      hash: part,
      salt: part,
      cost: part,
      password: part,
    });
    fc.assert(
      fc.property(custom, (custom_password_hash) => expectNamed(read({ custom_password_hash }))),
      { numRuns: 2_000 },
    );
  });
});

/** A real one, with a letter changed, left out, or put in. */
function damaged(from: typeof lines): fc.Arbitrary<string> {
  const texts = from.flatMap(({ stored: of }) => (typeof of === 'string' ? [of] : []));
  return fc
    .tuple(fc.constantFrom(...texts), fc.nat(), fc.string({ maxLength: 2 }), fc.nat(2))
    .map(([text, at, put, cut]) => {
      const place = at % (text.length + 1);
      return text.slice(0, place) + put + text.slice(place + cut);
    });
}

test('a hash of our own kind goes to the account, any other does not', async () => {
  const own = '$argon2id$v=19$m=102400,t=2,p=8$xQm2azpv6GFXA1wi24P0UA$+IzA5DpFugc3g9DbH0KxaA';
  expect(readText(own)).toEqual({ kind: 'argon2id', scheme: 'argon2', hash: own });
  expect(await verify(own, 'Tr0ub4dor&3-Zebra')).toBe(true);
  for (const other of [own.replace('2id', '2i'), own.replace('v=19', 'v=16'), own.replace('m=102400', 'm=202400')]) {
    expect(readText(other).kind).toBe('hash');
  }
});
