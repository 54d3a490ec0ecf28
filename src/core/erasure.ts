// Erasing a person from the log without breaking its chain: addresses and browsers are sealed behind a salted hash, and go
// together with the salt. That something happened stays, and to which id; who that was is known no more.
import { NO_ORIGIN } from './audit-events.ts';
import type { Transaction } from './database.ts';
import { recordEvent } from './outbox.ts';

/**
 * Takes a person's address and browser out of every event that they did, or that befell them with nobody known to have done
 * it, sealed or waiting; deletes their log-in attempts; takes both out of their blocks and sessions. Recorded in the same
 * transaction, without who asked from where. Called last in it, this reaches the events that it has recorded itself.
 * Returns how many events were erased.
 */
export async function eraseWithin(
  transaction: Transaction,
  userId: string,
  by: { readonly actor: string | null } = { actor: null },
): Promise<number> {
  const rows = await transaction.$queryRaw<{ erased: bigint }[]>`SELECT audit_erase_person(${userId}::uuid) AS erased`;
  const events = Number(rows[0]?.erased ?? 0);
  await recordEvent(transaction, {
    type: 'personal_data_erased',
    outcome: 'success',
    actor: by.actor,
    subject: userId,
    origin: NO_ORIGIN,
    detail: { events },
  });
  return events;
}
