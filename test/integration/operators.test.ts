// The operators themselves: the last one who can act stays one, whoever asks and however many at once.
import { beforeEach, describe, expect, test } from '@jest/globals';
import { NO_ORIGIN } from '../../src/core/audit/events.ts';
import { newEmail } from '../support/app.ts';
import { world } from '../support/world.ts';

const { web, worker, sql } = await world({ worker: true });

const by = { actor: null, origin: NO_ORIGIN };

async function newOperator(): Promise<string> {
  const account = { email: newEmail(), passwordHash: 'none', role: 'operator', origin: NO_ORIGIN } as const;
  const result = await web.context.users.create(account);
  return result.ok ? result.user.id : '';
}

beforeEach(() => sql("UPDATE user_account SET role = 'member'"));

describe('the last operator', () => {
  test('is neither made a member nor disabled, and nothing is recorded', async () => {
    const { users } = web.context;
    const only = await newOperator();
    await worker.sealing.seal();
    expect(await users.setRole(only, 'member', by)).toEqual({ ok: false, reason: 'last_operator' });
    expect(await users.setDisabled(only, true, by)).toEqual({ ok: false, reason: 'last_operator' });
    expect(await worker.sealing.seal()).toBe(0);
    expect((await users.find(only))?.role).toBe('operator');
  });

  test('is the last even beside operators who are disabled', async () => {
    const { users } = web.context;
    const [one, two] = [await newOperator(), await newOperator()];
    expect(await users.setDisabled(one, true, by)).toEqual({ ok: true });
    expect(await users.setDisabled(two, true, by)).toEqual({ ok: false, reason: 'last_operator' });
    expect(await users.setRole(one, 'member', by)).toEqual({ ok: true }); // could not act any more
    expect(await users.setRole(two, 'operator', by)).toEqual({ ok: false, reason: 'unchanged' });
  });

  test('remains when ten operators leave at the same instant, by demotion, disabling and deletion', async () => {
    const { users, database } = web.context;
    for (let round = 0; round < 5; round += 1) {
      await sql("UPDATE user_account SET role = 'member'");
      const ids = await Promise.all(Array.from({ length: 10 }, newOperator));
      const erase = (id: string) =>
        database.prisma.$transaction(async (transaction) => {
          if (await users.isLastOperatorWithin(transaction, id)) return { ok: false, reason: 'last_operator' };
          await transaction.user.update({ where: { id }, data: { role: 'member' } });
          return { ok: true };
        });
      const results = await Promise.all(
        ids.map((id, index) => {
          if (index % 3 === 0) return erase(id);
          return index % 3 === 1 ? users.setRole(id, 'member', by) : users.setDisabled(id, true, by);
        }),
      );
      expect(results.filter(({ ok }) => ok)).toHaveLength(9);
      const left = await sql("SELECT id FROM user_account WHERE role = 'operator' AND disabled_at IS NULL");
      expect(left).toHaveLength(1);
    }
  });
});

describe('two operators at once', () => {
  test('the second decides on what is no longer so, and nothing is done', async () => {
    const { users } = web.context;
    await newOperator();
    const other = await newOperator();
    const seen = (await users.find(other))?.version ?? -1;
    expect(await users.setDisabled(other, true, { ...by, seen, reason: 'left the company' })).toEqual({ ok: true });
    expect(await users.setRole(other, 'member', { ...by, seen })).toEqual({ ok: false, reason: 'changed_meanwhile' });
    expect((await users.find(other))?.role).toBe('operator');
    await worker.sealing.seal();
    const [event] = await sql<{ detail: unknown }>(
      "SELECT detail FROM audit_event WHERE type = 'user_disabled' AND subject_id = $1",
      [other],
    );
    expect(event?.detail).toEqual({ reason: 'left the company' });
  });
});
