// Erases a person from the log without breaking its chain: addresses and browsers are sealed as a
// salted hash, and are erased together with the salt. The event and the account's id stay. The
// functions of the database refuse while the account is not deleted, and record what they did.
import { type Database, nudgeAfterCommit, type Transaction } from '../platform/database.ts';

const PART = 10_000;
const ACCOUNTS_AT_ONCE = 100;

interface Part {
  readonly erased: bigint;
  /** Null: nothing of theirs is left after it. */
  readonly read_to: bigint | null;
}

/**
 * Erases a person's address and browser from the events that they did, or that befell them by
 * nobody known: those that wait and the ten thousand oldest sealed ones; the worker erases the rest
 * ({@link eraseRest}). Deletes their log-in attempts, and erases both from their blocks and
 * sessions. Called last in a transaction, once the account is deleted in it, it reaches the events
 * of the transaction too. Returns how many events it erased.
 */
export async function eraseWithin(
  transaction: Transaction,
  userId: string,
  by: { readonly actor: string | null } = { actor: null },
): Promise<number> {
  const rows = await transaction.$queryRaw<{ erased: bigint }[]>`
    SELECT audit_erase_person(${userId}::uuid, ${by.actor}::uuid) AS erased`;
  nudgeAfterCommit(transaction, 'seal-events');
  return Number(rows[0]?.erased ?? 0);
}

/**
 * Erases the rest of the sealed events of deleted accounts, a part at a time, and notes at the
 * account when nothing is left. What is not done in time is left to the next run.
 */
export async function eraseRest(
  { prisma, transact, clock }: Database,
  { withinMs }: { withinMs: number },
): Promise<void> {
  const deadline = performance.now() + withinMs;
  const accounts = await prisma.user.findMany({
    where: { deletedAt: { not: null }, erasedAt: null },
    select: { id: true },
    orderBy: { deletedAt: 'asc' },
    take: ACCOUNTS_AT_ONCE,
  });
  for (const { id } of accounts) {
    for (let behind: bigint | null = 0n; behind !== null; ) {
      if (performance.now() > deadline) return;
      const part: Part = await transact(async (transaction) => {
        const [row] = await transaction.$queryRaw<Part[]>`
          SELECT erased, read_to FROM audit_erase_sealed(${id}::uuid, ${behind}::bigint, ${PART}::int)`;
        if (!row) throw new Error('audit_erase_sealed answers with a row');
        if (row.read_to === null)
          await transaction.user.update({ where: { id }, data: { erasedAt: clock.now() }, select: { id: true } });
        nudgeAfterCommit(transaction, 'seal-events');
        return row;
      });
      behind = part.read_to;
    }
  }
}
