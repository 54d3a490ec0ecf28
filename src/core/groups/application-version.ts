// The number of changes of groups and applications. Its one row is the lock by which one change happens at a time, and by which
// nobody enters an application in the middle of one. Locks are taken in this order: accounts, this row, sessions.
import type { Transaction } from '../platform/database.ts';

/** Before anything else of a change, in its transaction: every process notices the change once it is committed. */
export async function raiseApplicationVersionWithin(transaction: Pick<Transaction, '$queryRaw'>): Promise<bigint> {
  const [row] = await transaction.$queryRaw<{ version: bigint }[]>`
    UPDATE application_version SET version = version + 1 WHERE id = 1 RETURNING version`;
  return versionOf(row);
}

/** Until the transaction ends, nothing changes; others who only look go on. */
export async function holdApplicationVersionWithin(transaction: Transaction): Promise<bigint> {
  const [row] = await transaction.$queryRaw<
    { version: bigint }[]
  >`SELECT version FROM application_version WHERE id = 1 FOR SHARE`;
  return versionOf(row);
}

function versionOf(row: { version: bigint } | undefined): bigint {
  if (!row) throw new Error('application_version has no row');
  return row.version;
}
