// What the files of other systems become, and what is wrong with them.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import { SCHEME_NAMES } from '../../src/core/credentials/imported/formats/formats.ts';
import { type Format, readPeople } from '../../src/core/moving/formats/formats.ts';
import type { Found } from '../../src/core/moving/import-people.ts';
import { readKeptHash } from '../../src/core/moving/kept-hash.ts';
import { readPerson } from '../../src/core/moving/person.ts';
import { projectRoot } from '../../src/core/platform/project-root.ts';

/** In pieces of a few bytes, as no disk would give them. */
async function read(format: Format, file: string | Buffer, piece = 7): Promise<Found[]> {
  const bytes = Buffer.from(file as string);
  const pieces = Array.from({ length: Math.ceil(bytes.length / piece) }, (_, at) =>
    bytes.subarray(at * piece, (at + 1) * piece),
  );
  const found: Found[] = [];
  for await (const some of readPeople(format, Readable.from(pieces))) found.push(...some);
  return found;
}

const people = (found: readonly Found[]) => found.flatMap((one) => ('raw' in one ? [one.raw] : []));
const problems = (found: readonly Found[]) =>
  found.flatMap((one) => ('problem' in one ? [[one.place, one.problem]] : []));
const NOW = new Date('2026-11-29T00:00:00Z');

test('a password that an export gives out is kept as it is written here, whatever letters its text had', () => {
  const text = (setting: string) => `{ "is": "AAAA", "steps": [{ "do": "sha-crypt", "setting": "${setting}" }] }`;
  const found = readKeptHash({ password_scheme: 'holdfast:crypt', password_hash: text('$6$\ud800') });
  expect(found).toMatchObject({
    kind: 'hash',
    stored: '{"steps":[{"do":"sha-crypt","setting":"$6$\\ud800"}],"is":"AAAA"}',
  });
});

describe('the neutral file', () => {
  test('may have a mark, CRLF, empty lines and no end to its last line', async () => {
    const found = await read('neutral', '\ufeff{"externalId":"1"}\r\n\r\n{"externalId":"ü"}');
    expect(found).toEqual([
      { place: 1, raw: { externalId: '1' } },
      { place: 3, raw: { externalId: 'ü' } },
    ]);
  });

  test('names each line that can not be read, and goes on', async () => {
    const long = `{"externalId":"${'x'.repeat(65_536)}"}`;
    const file = Buffer.concat([
      Buffer.from(`nothing\n${long}\n{"externalId":"`),
      Buffer.from([0xfc]),
      Buffer.from('"}\n{"externalId":"4"}\n'),
      Buffer.from(`${long.repeat(3)}`),
    ]);
    for (const piece of [7, 1_000, 1_000_000]) {
      const found = await read('neutral', file, piece);
      expect(problems(found)).toEqual([
        [1, 'invalid_json'],
        [2, 'line_too_long'],
        [3, 'invalid_encoding'],
        [5, 'line_too_long'],
      ]);
      expect(people(found)).toEqual([{ externalId: '4' }]);
    }
  });

  test.each(['neutral', 'keycloak', 'auth0', 'firebase', 'django', 'ldif'] as const)(
    'is refused as a whole if it is UTF-16, of %s too',
    async (format) => {
      await expect(read(format, Buffer.from('\ufeff{"users":[]}', 'utf16le'))).rejects.toThrow('UTF-16');
    },
  );
});

describe('a person', () => {
  const given = { externalId: 7, email: ' Ada@Example.org ' };
  const problemOf = (raw: unknown) => {
    const result = readPerson(raw, NOW);
    return 'problem' in result ? [result.problem.code, result.problem.field] : null;
  };

  test('has an address as one who registers, and what other systems keep beside it', () => {
    const more = {
      locale: 'de_AT',
      created_at: '2020-02-03 04:05:06',
      blocked: true,
      groups: ['Staff'],
      name: 'Ada',
      zoneinfo: null,
    };
    expect(readPerson({ ...given, ...more, password_hash: 'x' }, NOW)).toEqual({
      person: {
        externalId: '7',
        email: 'Ada@Example.org',
        key: 'ada@example.org',
        language: 'de',
        createdAt: new Date('2020-02-03T04:05:06Z'),
        blocked: true,
        groups: ['Staff'],
        password: { password_hash: 'x', email: 'Ada@Example.org' },
        notKept: ['name'],
      },
    });
  });

  test.each([
    [[], 'invalid_json', undefined],
    ['text', 'invalid_json', undefined],
    [{ email: 'a@example.org' }, 'missing_identifier', 'externalId'],
    [{ externalId: '', email: 'a@example.org' }, 'missing_identifier', 'externalId'],
    [{ externalId: '1' }, 'missing_identifier', 'email'],
    [{ externalId: 'x'.repeat(256), email: 'a@example.org' }, 'invalid_field', 'externalId'],
    [{ externalId: '\ud800', email: 'a@example.org' }, 'invalid_field', 'externalId'],
    [{ externalId: '\u0000', email: 'a@example.org' }, 'invalid_field', 'externalId'],
    [{ ...given, email: 'nobody' }, 'invalid_field', 'email'],
    [{ ...given, plan: 'pro' }, 'unknown_field', 'plan'],
    [{ ...given, 'a secret of somebody': 1 }, 'unknown_field', '?'],
    [{ ...given, created_at: 'yesterday' }, 'invalid_field', 'created_at'],
    [{ ...given, created_at: '2027-01-01' }, 'invalid_field', 'created_at'],
    [{ ...given, groups: ['two words'] }, 'invalid_field', 'groups'],
    [{ ...given, password_hash: 5 }, 'invalid_field', 'password_hash'],
    [{ ...given, password_scheme: 'keycloak:\u0000' }, 'invalid_field', 'password_scheme'],
    [{ ...given, password_scheme: 'holdfast:\ud800' }, 'invalid_field', 'password_scheme'],
    [{ ...given, __proto__: null, constructor: 1 }, 'unknown_field', 'constructor'],
  ])('%j is %s', (raw, code, field) => {
    expect(problemOf(raw)).toEqual([code, field]);
  });
});

describe('the file of a system', () => {
  test('Keycloak: the people of a realm, without the accounts of services', async () => {
    const password = { type: 'password', secretData: '{}', credentialData: '{}' };
    const realm = {
      realm: 'shop',
      clients: [{ users: ['no person'] }],
      users: [
        {
          id: 'k1',
          username: 'ada',
          email: 'ada@example.org',
          emailVerified: true,
          enabled: false,
          createdTimestamp: 1_600_000_000_000,
          firstName: 'Ada',
          attributes: { locale: ['de'] },
          credentials: [{ type: 'otp' }, password],
          groups: ['/staff/Büro 1'],
        },
        { id: 'k2', username: 'service-account-shop', serviceAccountClientId: 'shop' },
        { id: 'k3', username: 'grace@example.org', enabled: true },
      ],
    };
    for (const file of [realm, [realm]]) {
      const found = await read('keycloak', JSON.stringify(file));
      expect(people(found)).toMatchObject([
        {
          externalId: 'k1',
          email: 'ada@example.org',
          blocked: true,
          created_at: '2020-09-13T12:26:40.000Z',
          locale: 'de',
          groups: ['staff-Buro-1'],
          password_columns: password,
        },
        { externalId: 'k3', email: 'grace@example.org', blocked: false, groups: [] },
      ]);
      expect(found.map(({ place }) => place)).toEqual([1, 3]);
      for (const raw of people(found)) expect(readPerson(raw, NOW)).toHaveProperty('person');
    }
  });

  test('Auth0: what it imports, and what it exports, a person a line', async () => {
    const imported = [
      {
        email: 'a@example.org',
        user_id: 'a',
        password_hash: '$2b$10$x',
        custom_password_hash: undefined,
        app_metadata: {},
      },
    ];
    const exported =
      '{"_id":{"$oid":"b"},"email":"b@example.org","passwordHash":"$2b$10$y","email_verified":true}\n{oops\n';
    const array = await read('auth0', JSON.stringify(imported));
    expect(people(array)).toMatchObject([{ externalId: 'a', email: 'a@example.org', password_hash: '$2b$10$x' }]);
    const lines = await read('auth0', exported);
    expect(people(lines)).toMatchObject([{ externalId: 'b', password_hash: '$2b$10$y', email_verified: true }]);
    expect(problems(lines)).toEqual([[2, 'invalid_json']]);
  });

  test('Firebase: an empty hash is a person without a password', async () => {
    const file = {
      users: [
        {
          localId: 'f1',
          email: 'a@example.org',
          passwordHash: 'aGFzaA==',
          salt: 'c2FsdA==',
          createdAt: '1600000000000',
        },
        { localId: 'f2', email: 'b@example.org', passwordHash: '', disabled: true, providerUserInfo: [] },
        { localId: 'f3', phoneNumber: '+100' },
      ],
    };
    const found = people(await read('firebase', JSON.stringify(file)));
    expect(found).toMatchObject([
      {
        externalId: 'f1',
        password_columns: { passwordHash: 'aGFzaA==', salt: 'c2FsdA==' },
        created_at: '2020-09-13T12:26:40.000Z',
      },
      { externalId: 'f2', blocked: true },
      { externalId: 'f3' },
    ]);
    expect(found[1]).not.toHaveProperty('password_columns');
    expect(readPerson(found[2], NOW)).toEqual({ problem: { code: 'missing_identifier', field: 'email' } });
  });

  test('Django: users of any model, in their groups', async () => {
    const entries = [
      { model: 'auth.permission', pk: 1, fields: { name: 'x' } },
      { model: 'auth.group', pk: 4, fields: { name: 'Front office', permissions: [] } },
      {
        model: 'shop.customer',
        pk: 9,
        fields: {
          password: 'pbkdf2_sha256$1$a$b',
          email: 'a@example.org',
          is_active: false,
          groups: [4],
          date_joined: '2020-01-02T03:04:05.678Z',
        },
      },
    ];
    const user = {
      externalId: 9,
      email: 'a@example.org',
      blocked: true,
      groups: ['Front-office'],
      password_hash: 'pbkdf2_sha256$1$a$b',
      created_at: '2020-01-02T03:04:05.678Z',
    };
    expect(people(await read('django', JSON.stringify(entries, null, 2)))).toMatchObject([user]);
    expect(people(await read('django', entries.map((one) => JSON.stringify(one)).join('\n')))).toMatchObject([user]);
  });

  test('LDIF: an entry of very many values is read in a time that grows with their number', async () => {
    const file = `dn: uid=a\nobjectClass: person\n${'memberOf: cn=staff\n'.repeat(100_000)}`;
    const before = performance.now();
    expect(people(await read('ldif', file, 65_536))).toHaveLength(1);
    expect(performance.now() - before).toBeLessThan(3_000);
  });

  test('LDIF: folded lines, base64, and entries that are nobody', async () => {
    const file = [
      'version: 1',
      '# a directory',
      'dn: ou=people,dc=example,dc=org',
      'objectClass: organizationalUnit',
      '',
      'dn: uid=ada,ou=people,dc=example,dc=org',
      'objectClass: inetOrgPerson',
      'uid: ada',
      'mail: ada@exam',
      ' ple.org',
      `cn:: ${Buffer.from('Ada Löwe').toString('base64')}`,
      `userPassword:: ${Buffer.from('{SSHA}abc').toString('base64')}`,
      'memberOf: cn=Staff,ou=groups,dc=example,dc=org',
      'createTimestamp: 20200102030405Z',
      `jpegPhoto:: ${'A'.repeat(76)}`,
      ...Array.from({ length: 1_500 }, () => ` ${'A'.repeat(76)}`),
      'userCertificate:< file:///etc/passwd',
      '',
      'dn: uid=bad,ou=people,dc=example,dc=org',
      'objectClass: person',
      'userPassword:< file:///etc/passwd',
      '',
    ].join('\r\n');
    const found = await read('ldif', file);
    expect(people(found)).toMatchObject([
      {
        externalId: 'ada',
        email: 'ada@example.org',
        name: 'Ada Löwe',
        password_hash: '{SSHA}abc',
        groups: ['Staff'],
        created_at: '2020-01-02T03:04:05Z',
        blocked: false,
      },
    ]);
    expect(problems(found)).toEqual([[1518, 'invalid_field']]);
  });

  test.each(['keycloak', 'firebase'] as const)(
    '%s: damage is named once, and all before it goes in',
    async (format) => {
      const found = await read(format, '{"users":[{"id":"1","localId":"1"},{"id":"2","localId":"2"},{oops', 1_000);
      expect(people(found)).toMatchObject([{ externalId: '1' }, { externalId: '2' }]);
      expect(problems(found)).toEqual([[3, 'invalid_json']]);
      expect(problems(await read(format, 'a line of another file\n'))).toEqual([[1, 'invalid_json']]);
    },
  );
});

test('docs name every scheme that may be declared, and no other', () => {
  const moving = readFileSync(path.join(projectRoot, 'docs/moving.md'), 'utf8');
  const section = /^### Schemes$(.*?)^Where a system keeps/ms.exec(moving)?.[1] ?? '';
  const named = [...section.matchAll(/`([^`]+)`/g)].map(([, name]) => name);
  const declared = named.filter((name) => name !== 'password_scheme' && name !== '*');
  expect(declared.toSorted()).toEqual([...new Set(SCHEME_NAMES)].toSorted());
});
