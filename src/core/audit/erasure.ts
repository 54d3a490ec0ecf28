// Erasing a person from the log without breaking its chain: addresses and browsers are sealed behind a salted hash, and go
// together with the salt. That something happened stays, and to which id; who that was is known no more.
import type { Database, Transaction } from '../platform/database.ts';
import { NO_ORIGIN } from './events.ts';
import { recordEvent } from './outbox.ts';

const PART = 10_000;
const ACCOUNTS_AT_ONCE = 100;

interface Part {
  readonly erased: bigint;
  /** Null: nothing of theirs is left behind it. */
  readonly read_to: bigint | null;
}

/**
 * Takes a person's address and browser out of every event that they did, or that befell them with nobody known to have done
 * it, waiting or sealed, of these the ten thousand oldest; deletes their log-in attempts; takes both out of their blocks and
 * sessions. Recorded in the same transaction, without who asked from where. Called last in it, this reaches the events that it
 * has recorded itself. Returns how many events were erased. The rest is {@link eraseRest}'s.
 */
export async function eraseWithin(
  transaction: Transaction,
  userId: string,
  by: { readonly actor: string | null } = { actor: null },
): Promise<number> {
  const rows = await transaction.$queryRaw<{ erased: bigint }[]>`SELECT audit_erase_person(${userId}::uuid) AS erased`;
  const events = Number(rows[0]?.erased ?? 0);
  await recordErased(transaction, userId, by.actor, events);
  return events;
}

/**
 * The worker's part, for accounts that were deleted: erases them from the sealed events that were too many, a part at a time,
 * and notes at the account that nothing is left. What is not done within the time is done in the next run.
 */
export async function eraseRest({ prisma, transact }: Database, { withinMs }: { withinMs: number }): Promise<void> {
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
          await transaction.user.update({ where: { id }, data: { erasedAt: new Date() }, select: { id: true } });
        if (row.erased > 0n) await recordErased(transaction, id, null, Number(row.erased));
        return row;
      });
      behind = part.read_to;
    }
  }
}

async function recordErased(
  transaction: Transaction,
  subject: string,
  actor: string | null,
  events: number,
): Promise<void> {
  const about = { actor, subject, origin: NO_ORIGIN, detail: { events } };
  await recordEvent(transaction, { type: 'personal_data_erased', outcome: 'success', ...about });
}
