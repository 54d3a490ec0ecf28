// How long a refused log-in takes tells nothing: an account that does not exist, a wrong password and a disabled account are
// measured in turns, in an order by chance, and compared by rank. What the machine does meanwhile falls on all three alike.
import { expect, test } from '@jest/globals';
import { createIdentifierHash } from '../../src/core/credentials/identifier-hash.ts';
import { createPasswordLogin, type PasswordLogin } from '../../src/core/login/password-login.ts';
import { createRenewHash } from '../../src/core/login/renew-hash.ts';
import { createStartSession } from '../../src/core/login/start-session.ts';
import { newEmail, PASSWORD } from '../support/app.ts';
import { rankScore } from '../support/rank-test.ts';
import { world } from '../support/world.ts';

const ROUNDS = 100;
/** Samples of one kind score beyond this once in ten thousand times. */
const CRITICAL = 3.9;
const SHIPPED_COST = { PASSWORD_HASH_MEMORY_KIB: '19456', PASSWORD_HASH_PASSES: '2' };
const ORIGIN = { ip: '203.0.113.5', userAgent: null, requestId: null };

const { web } = await world({ webs: [{ PASSWORD_HASH_CONCURRENCY: '1', ...SHIPPED_COST }] });

async function account(): Promise<string> {
  const email = newEmail();
  const passwordHash = await web.context.passwords.hash(PASSWORD, null);
  await web.context.users.create({ email, passwordHash, role: 'member', origin: ORIGIN });
  return email;
}

async function disabledAccount(): Promise<string> {
  const email = await account();
  const user = await web.context.users.findByEmail(email);
  await web.context.users.setDisabled(user?.id ?? '', true, { actor: null, origin: ORIGIN });
  return email;
}

interface Guess {
  readonly email: string;
  readonly password: string;
}

/** Milliseconds of each kind of refusal, one of each in every round. */
async function measure<Kind extends string>(
  login: PasswordLogin,
  kinds: Record<Kind, Guess>,
): Promise<Record<Kind, number[]>> {
  const names = Object.keys(kinds) as Kind[];
  const times = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Kind, number[]>;
  for (let round = -5; round < ROUNDS; round += 1) {
    for (const name of names.map((one) => [Math.random(), one] as const).sort(([a], [b]) => a - b)) {
      const visit = { remember: false, previousSessionId: null, origin: ORIGIN, deviceCookie: '' };
      const startedAt = performance.now();
      const result = await login.logIn({ ...kinds[name[1]], ...visit });
      const ms = performance.now() - startedAt;
      expect(result).toEqual({ ok: false, reason: 'wrong_credentials' });
      if (round >= 0) times[name[1]].push(ms);
    }
  }
  return times;
}

test('a refusal takes as long for an unknown account as for a wrong password and for a disabled account', async () => {
  const times = await measure(web.context.passwordLogin, {
    unknown: { email: newEmail(), password: PASSWORD },
    wrong: { email: await account(), password: 'not the password' },
    disabled: { email: await disabledAccount(), password: PASSWORD },
  });
  expect(Math.abs(rankScore(times.unknown, times.wrong))).toBeLessThan(CRITICAL);
  expect(Math.abs(rankScore(times.unknown, times.disabled))).toBeLessThan(CRITICAL);
  expect(Math.abs(rankScore(times.wrong, times.disabled))).toBeLessThan(CRITICAL);
}, 300_000);

test('the same measurement finds out a log-in that has no decoy', async () => {
  const { context, config } = web;
  const identifierHash = createIdentifierHash(config.sessionKeys.at(-1) ?? '');
  const { compare } = context.accountPasswords;
  const login = createPasswordLogin({
    ...context,
    identifierHash,
    startSession: createStartSession({ ...context, identifierHash }),
    renewHash: createRenewHash(context),
    accountPasswords: {
      ...context.accountPasswords,
      compare: async (user, password, by) => (user === null ? 'wrong' : compare(user, password, by)),
    },
  });
  const times = await measure(login, {
    unknown: { email: newEmail(), password: PASSWORD },
    wrong: { email: await account(), password: 'not the password' },
  });
  expect(rankScore(times.unknown, times.wrong)).toBeLessThan(-CRITICAL);
}, 300_000);
