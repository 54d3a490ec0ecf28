// Several accounts at once, by e-mail address or by id.
import type { Transaction } from '../platform/database.ts';
import { emailKey } from '../platform/email-address.ts';

/** By what is compared of an address; those that have an account. */
export async function readAccountsByAddress(
  database: Transaction,
  emails: readonly string[],
): Promise<ReadonlyMap<string, { readonly id: string; readonly email: string }>> {
  const users = await database.user.findMany({
    where: { emailKey: { in: emails.map(emailKey) }, deletedAt: null },
    select: { id: true, email: true, emailKey: true },
  });
  return new Map(users.map(({ id, email, emailKey: key }) => [key, { id, email }]));
}

/** Locks accounts until the transaction's end, in the order in which everybody locks several; gives those that are there. */
export async function lockAccountsWithin(
  transaction: Transaction,
  ids: readonly string[],
): Promise<ReadonlySet<string>> {
  const rows = await transaction.$queryRaw<{ id: string }[]>`
    SELECT id FROM user_account WHERE id = ANY (${[...ids]}::uuid[]) AND deleted_at IS NULL ORDER BY id FOR UPDATE`;
  return new Set(rows.map(({ id }) => id));
}
