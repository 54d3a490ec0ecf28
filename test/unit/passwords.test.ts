// One password, however a keyboard writes it.
import { describe, expect, test } from '@jest/globals';
import { hash } from '@node-rs/argon2';
import { createPasswordPolicy } from '../../src/core/credentials/password-policy.ts';
import { createPasswords } from '../../src/core/credentials/passwords.ts';

const cost = { memoryKib: 1_024, passes: 1, lanes: 1 };
const cheap = { algorithm: 2, memoryCost: 1_024, timeCost: 1, parallelism: 1 } as const;
const passwords = createPasswords({ concurrency: 1, cost });

const policy = createPasswordPolicy({ serviceName: 'Sea Gate', publicOrigin: 'https://login.harbour.org' });

const NFC = 'café crème brûlée'.normalize('NFC');
const NFD = NFC.normalize('NFD');
const NARROW = NFC.replaceAll(' ', '\u00a0');

describe('a password', () => {
  test.each([
    ['composed', NFC],
    ['decomposed', NFD],
    ['with other spaces', NARROW],
  ])('%s is the same in every form', async (_, typed) => {
    const kept = await passwords.hash(typed, null);
    for (const again of [NFC, NFD, NARROW]) expect(await passwords.verify(kept, again, null)).toBe('current');
    expect(await passwords.verify(kept, 'cafe creme brulee', null)).toBe(false);
  });

  test('that an earlier version hashed as it was typed still opens, and is to be hashed anew', async () => {
    const kept = await hash(NFD, cheap);
    expect(await passwords.verify(kept, NFD, null)).toBe('outdated');
    expect(await passwords.verify(kept, 'another password', null)).toBe(false);
    expect(await passwords.verify(await hash(NFC, cheap), NFC, null)).toBe('current');
  });

  test('hashed at another cost is to be hashed anew', async () => {
    const kept = await hash('a fine password', { ...cheap, memoryCost: 2_048 });
    expect(await passwords.verify(kept, 'a fine password', null)).toBe('outdated');
  });

  test('of nobody is false, in every form', async () => {
    expect(await passwords.verify(null, NFC, null)).toBe(false);
    expect(await passwords.verify(null, NFD, null)).toBe(false);
  });

  test('is measured and compared in that form when it is new', async () => {
    const letter = 'é'.normalize('NFD');
    expect(await policy.problem(letter.repeat(7), 'a@example.org')).toBe('too_short');
    expect(await policy.problem(letter.repeat(8), 'a@example.org')).toBeNull();
    expect(await policy.problem('José.María@example.org'.normalize('NFD'), 'josé.maría@example.org')).toBe(
      'same_as_email',
    );
  });
});

describe('a new password', () => {
  test.each([
    'holdfast',
    'Holdfast2026!',
    'SeaGate!2026',
    'sea gate 1',
    'harbour-login-1',
    'ada.lovelace1',
    'Lovelace1815',
    'login.harbour.org',
  ])('%s is too close to the service or its owner', async (password) => {
    expect(await policy.problem(password, 'Ada.Lovelace@example.org')).toBe('too_close');
  });

  test.each(['holdfast correct horse', 'lovelace and three more', 'adagio-evening', 'thirty sails out at sea'])(
    '%s may hold their words',
    async (password) => {
      expect(await policy.problem(password, 'ada.lovelace@example.org')).toBeNull();
    },
  );
});
