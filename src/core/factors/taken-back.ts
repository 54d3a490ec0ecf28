// What an owner takes back of an account after disowning a log-in: the second factors and recovery codes that were set up
// under it or a later one. Those of an earlier log-in stay, whenever they were made.
import { Prisma } from '../../generated/prisma/client.ts';
import type { Origin } from '../audit/events.ts';
import { recordEvent } from '../audit/outbox.ts';
import type { Mail } from '../mail/outgoing-mail.ts';
import type { Told } from '../mail/templates.ts';
import type { Transaction } from '../platform/database.ts';
import { countWithin } from './factor-change.ts';

/** Where an older version set a factor up, the moment when it was made stands for its log-in. */
const setUpSince = (userId: string, since: Date) =>
  Prisma.sql`user_id = ${userId}::uuid AND coalesce(logged_in_at, created_at) >= ${since}`;

/** How many factors and codes were set up under log-ins from a moment on. */
export async function countSince(client: Pick<Transaction, '$queryRaw'>, userId: string, since: Date): Promise<number> {
  const where = setUpSince(userId, since);
  const [row] = await client.$queryRaw<{ count: number }[]>`
    SELECT ((SELECT count(*) FROM totp WHERE ${where}) + (SELECT count(*) FROM passkey WHERE ${where})
            + (SELECT count(*) FROM recovery_code WHERE ${where}))::int AS count`;
  return row?.count ?? 0;
}

export interface TakingBack {
  readonly userId: string;
  readonly email: string;
  /** When the oldest log-in was that is disowned. */
  readonly since: Date;
  readonly origin: Origin;
  readonly told: Told;
}

/**
 * Removes them, and with the last factor every recovery code. Recorded, and told by mail. The caller holds the lock of
 * the account.
 */
export async function takeBackWithin(
  transaction: Transaction,
  { userId, email, since, origin, told }: TakingBack,
  mail: Mail,
): Promise<void> {
  const where = setUpSince(userId, since);
  const totp = await transaction.$executeRaw`DELETE FROM totp WHERE ${where}`;
  const passkeys = await transaction.$executeRaw`DELETE FROM passkey WHERE ${where}`;
  const left = await countWithin(transaction, userId);
  const which = left.count === 0 ? Prisma.sql`user_id = ${userId}::uuid` : where;
  const codes = await transaction.$executeRaw`DELETE FROM recovery_code WHERE ${which}`;
  if (totp + passkeys + codes === 0) return;
  const detail = { factor: 'all', since: since.toISOString(), passkeys, totp, codes };
  const about = { actor: userId, subject: userId, origin, detail };
  await recordEvent(transaction, { type: 'authn_factor_removed', outcome: 'success', ...about });
  const parameters = { ...told.from, change: 'newer_removed' } as const;
  const letter = { to: email, userId, language: told.language, parameters };
  await mail.sendWithin(transaction, { ...letter, template: 'factor-changed' });
}
