// The form of a session's copy: parsed once for the same bytes, and never kept beyond them.

import { AUTHENTICATION_METHODS } from '../../src/core/sessions/authentication-method.ts';
import { createEntryParser, formatEntry, formatTombstone, parseEntry } from '../../src/core/sessions/cache-entry.ts';
import { createCopySeal } from '../../src/core/sessions/copy-seal.ts';
import { ROLES } from '../../src/core/sessions/role.ts';
import type { LiveRecord, SessionOwner } from '../../src/core/sessions/session-record.ts';

const OWNER = {
  id: '019a0000-0000-7000-8000-000000000001',
  userId: '019a0000-0000-7000-8000-000000000002',
  email: 'ana@example.org',
  role: 'member',
  remember: false,
  authenticationMethod: 'password',
  createdAt: 1,
  memberSince: 1,
  loginId: '019a0000-0000-7000-8000-000000000001',
} as const;

const SEAL = createCopySeal(['the first key', 'another key']);

interface Kept {
  readonly seenAt?: number;
  readonly name?: string;
  readonly seal?: typeof SEAL;
}

function copyOf(
  owner: SessionOwner,
  data: LiveRecord['data'],
  { seenAt = 1_800_000_000_000, name = 'one', seal = SEAL }: Kept = {},
): string {
  const record: LiveRecord = {
    state: 'live',
    owner,
    data,
    sinceSeenMs: 0,
    idleTimeoutMs: 3_600_000,
    absoluteRemainingMs: 86_400_000,
  };
  const moments = Buffer.alloc(12);
  moments.writeUIntBE(seenAt, 0, 6);
  return Buffer.concat([Buffer.from('S'), moments, formatEntry(name, record, '1.7421', seal)]).toString('latin1');
}

function copy({ email = OWNER.email as string, ...kept }: Kept & { readonly email?: string } = {}): string {
  return copyOf({ ...OWNER, email }, { groups: ['staff'] }, kept);
}

test('a copy says all that its session is, whatever that is', () => {
  const uuids = Array.from({ length: 4 }, (_, index) => `019a0000-0000-7000-8000-00000000000${index}`);
  const [id = '', userId = '', loginId = '', application = ''] = uuids;
  const apart = { id, userId, createdAt: 1_800_000_000_001, memberSince: 0 };
  for (const role of ROLES)
    for (const authenticationMethod of AUTHENTICATION_METHODS)
      for (const remember of [false, true])
        for (const login of [id, loginId])
          for (const at of [{}, { application: { id: application, provedAt: 1_799_999_999_999 } }])
            for (const email of ['a@b.de', 'jürgen.größe@müller.example', `${'x'.repeat(242)}@example.org`])
              for (const data of [{}, { name: 'Zoë\0', more: [1, { deep: null }] }]) {
                const owner: SessionOwner = {
                  ...apart,
                  ...at,
                  role,
                  authenticationMethod,
                  remember,
                  loginId: login,
                  email,
                };
                expect(parseEntry(copyOf(owner, data))).toMatchObject({ owner, data, idleTimeoutMs: 3_600_000 });
              }
});

test('an ordinary session’s copy takes no more than 107 bytes', () => {
  expect(copyOf(OWNER, {}).length).toBeLessThanOrEqual(107);
});

test('a copy that is cut off, or of a version to come, is none', () => {
  const whole = copy();
  const fixed = whole.indexOf('\0{"data"') - OWNER.email.length;
  for (let length = 0; length <= fixed; length += 1) expect(parseEntry(whole.slice(0, length))).toBeNull();
  expect(parseEntry(`T${whole.slice(1)}`)).toBeNull();
});

test('the same bytes give the same object, others another, and a name says nothing by itself', () => {
  const parse = createEntryParser(SEAL);
  const first = parse('one', copy());
  expect(first).toMatchObject({ state: 'live', owner: OWNER, data: { groups: ['staff'] }, seenAt: 1_800_000_000_000 });
  expect(parse('one', copy())).toBe(first);
  expect(parse('other', copy({ name: 'other' }))).toEqual(first);
  expect(parse('one', copy({ seenAt: 1_800_000_060_000 }))?.seenAt).toBe(1_800_000_060_000);
  expect(parse('one', copy({ email: 'ben@example.org' }))?.owner.email).toBe('ben@example.org');
  for (const gone of [null, undefined, '', formatTombstone('logged_out'), 'L', `${copy()}}`])
    expect(parse('one', gone)).toBeNull();
  expect(parse('one', copy())).toEqual(first);
});

test('a copy counts under its own name, as it was sealed, by any key that is known', () => {
  const parse = createEntryParser(SEAL);
  const whole = copy();
  expect(parse('other', whole)).toBeNull();
  for (const known of [['a newer key', 'the first key'], ['the first key']])
    expect(createEntryParser(createCopySeal(known))('one', whole)).not.toBeNull();
  expect(createEntryParser(createCopySeal(['another key']))('one', whole)).toBeNull();
  for (let at = 13; at < whole.length; at += 1) {
    const other = String.fromCharCode(whole.charCodeAt(at) ^ 1);
    expect([at, parse('one', `${whole.slice(0, at)}${other}${whole.slice(at + 1)}`)]).toEqual([at, null]);
  }
  const unsealed = whole.slice(0, whole.indexOf(',"m":"'));
  for (const none of [`${unsealed}}`, `${unsealed},"m":""}`, whole.slice(0, whole.indexOf('\0{'))]) {
    expect(parse('one', none)).toBeNull();
    expect(parseEntry(none)).toMatchObject({ owner: OWNER });
  }
});

test('nobody can write into what others are given', () => {
  const entry = createEntryParser(SEAL)('one', copy());
  const { owner, data } = entry as unknown as { owner: { role: string }; data: { groups: string[] } };
  expect(() => Object.assign(owner, { role: 'operator' })).toThrow(TypeError);
  expect(() => data.groups.push('operators')).toThrow(TypeError);
});
