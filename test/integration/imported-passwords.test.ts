// What the database itself holds about imported passwords, whichever process or version changes an account.
import { randomUUID } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { NO_ORIGIN } from '../../src/core/audit/events.ts';
import { newEmail } from '../support/app.ts';
import { world } from '../support/world.ts';

const { web, sql } = await world({});
const { users, accountDeletion } = web.context;

async function newSecret(): Promise<string> {
  const id = randomUUID();
  await sql('INSERT INTO import_secret (id, encrypted) VALUES ($1, $2)', [id, Buffer.from('x')]);
  return id;
}

async function newImported(secretId: string | null, externalId: string = randomUUID()): Promise<string> {
  const account = { email: newEmail(), passwordHash: 'matches nothing', role: 'member', origin: NO_ORIGIN } as const;
  const result = await users.create(account);
  if (!result.ok) throw new Error('not created');
  const { id } = result.user;
  await sql('UPDATE user_account SET external_id = $2 WHERE id = $1', [id, externalId]);
  await sql('INSERT INTO imported_password (user_id, scheme, stored, secret_id) VALUES ($1, $2, $3, $4)', [
    id,
    'bcrypt',
    'stored',
    secretId,
  ]);
  return id;
}

const left = async (userId: string) => (await sql('SELECT FROM imported_password WHERE user_id = $1', [userId])).length;
const secrets = async (id: string) => (await sql('SELECT FROM import_secret WHERE id = $1', [id])).length;
/** As the web process, whose rights have to be enough. */
const choose = (id: string, passwordHash: string) =>
  web.context.database.prisma.user.update({ where: { id }, data: { passwordHash } });

describe('an imported password', () => {
  test('goes when the account gets another password, and not before', async () => {
    const id = await newImported(null);
    await web.context.database.prisma.user.update({ where: { id }, data: { language: 'de' } });
    await choose(id, 'matches nothing');
    expect(await left(id)).toBe(1);
    await choose(id, 'another');
    expect(await left(id)).toBe(0);
  });

  test('takes its secret along when it is the last that needs it', async () => {
    const secret = await newSecret();
    const [one, two] = [await newImported(secret), await newImported(secret)];
    await choose(one, 'another');
    expect(await secrets(secret)).toBe(1);
    await choose(two, 'another');
    expect(await secrets(secret)).toBe(0);
  });

  test('takes its secret along too when the last two go at the same instant', async () => {
    for (let round = 0; round < 5; round += 1) {
      const secret = await newSecret();
      const ids = [await newImported(secret), await newImported(secret)];
      await Promise.all(ids.map((id) => choose(id, 'another')));
      expect(await secrets(secret)).toBe(0);
    }
  });
});

test('a deleted account leaves neither its external id nor its password, only what keeps an import from bringing it back', async () => {
  const secret = await newSecret();
  const externalId = randomUUID();
  const id = await newImported(secret, externalId);
  const told = { language: 'en', from: { at: new Date().toISOString(), device: '', ip: null } } as const;
  expect(await accountDeletion.delete({ userId: id, sessionId: null, origin: NO_ORIGIN, told })).toEqual({ ok: true });
  expect(await sql('SELECT external_id FROM user_account WHERE id = $1', [id])).toEqual([{ external_id: null }]);
  expect([await left(id), await secrets(secret)]).toEqual([0, 0]);
  const text = "SELECT FROM deleted_external_id WHERE hash = sha256(convert_to($1, 'UTF8'))";
  expect(await sql(text, [externalId])).toHaveLength(1);
});
