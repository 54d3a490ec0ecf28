// Links by which an owner disowns a log-in: "this wasn't me", and taking an address back. They outlive a change of the
// password, and remember the log-in and the password that it showed. Each belongs to the mailbox that it was sent to.
import { Prisma } from '../../generated/prisma/client.ts';
import type { Transaction } from '../platform/database.ts';
import { hashToken } from './random-token.ts';

/** A link that nobody has answered yet, about a log-in. */
export interface UnansweredLink {
  /** When that log-in was. */
  readonly since: Date;
  /** Of the password that it showed; null if it showed none. */
  readonly passwordHash: string | null;
}

/** Binds a link to the account's address, whatever its password becomes. */
export function addressBinding(emailKey: string): Uint8Array<ArrayBuffer> {
  return hashToken(`address ${emailKey}`);
}

/**
 * What one mailbox holds about an account: this link, and every unanswered "this wasn't me" that went to the same
 * address. The oldest log-in first.
 */
export function unansweredLinks(
  client: Pick<Transaction, '$queryRaw'>,
  { userId, emailKey, linkId }: { userId: string; emailKey: string; linkId: string },
): Promise<UnansweredLink[]> {
  return client.$queryRaw<UnansweredLink[]>`
    SELECT since, password_hash AS "passwordHash" FROM token LEFT JOIN link_password ON token_id = token.id
     WHERE user_id = ${userId}::uuid AND used_at IS NULL AND expires_at > clock_timestamp() AND since IS NOT NULL
       AND (id = ${linkId}::uuid OR (purpose = 'not_me' AND binding = ${addressBinding(emailKey)}))
     ORDER BY since`;
}

/**
 * Takes back the unanswered "this wasn't me" of one mailbox: those of another one stay, or whoever has moved the account
 * there could take them from its owner.
 */
export function takeBackNotMeWithin(transaction: Transaction, userId: string, emailKey: string): Promise<void> {
  return endWithin(
    transaction,
    Prisma.sql`user_id = ${userId}::uuid AND purpose = 'not_me' AND binding = ${addressBinding(emailKey)}`,
  );
}

/** Takes back whatever disowns a log-in and was issued after a link: an older one is another owner's. */
export function takeBackLaterWithin(
  transaction: Transaction,
  { userId, linkId }: { userId: string; linkId: string },
): Promise<void> {
  return endWithin(
    transaction,
    Prisma.sql`user_id = ${userId}::uuid AND purpose IN ('not_me', 'undo_email_change')
               AND created_at >= (SELECT created_at FROM token WHERE id = ${linkId}::uuid)`,
  );
}

/** Takes back the one link about a session, or about what never became one. */
export function takeBackOfSessionWithin(transaction: Transaction, userId: string, sessionId: string): Promise<void> {
  return endWithin(
    transaction,
    Prisma.sql`user_id = ${userId}::uuid AND purpose = 'not_me' AND session_id = ${sessionId}::uuid`,
  );
}

/** Whether the mailbox of an address may still take an account back that was moved away from it. */
export async function isAwaitedBack(client: Pick<Transaction, '$queryRaw'>, emailKey: string): Promise<boolean> {
  const [row] = await client.$queryRaw<{ awaited: boolean }[]>`
    SELECT EXISTS (SELECT FROM token WHERE purpose = 'undo_email_change' AND binding = ${addressBinding(emailKey)}
                      AND used_at IS NULL AND expires_at > clock_timestamp()) AS awaited`;
  return row?.awaited ?? false;
}

/** Which of many addresses have a mailbox that may still take an account back: their places. */
export async function placesAwaitedBack(
  client: Pick<Transaction, '$queryRaw'>,
  emailKeys: readonly string[],
): Promise<readonly number[]> {
  const waiting = await client.$queryRaw<{ binding: Uint8Array }[]>`
    SELECT binding FROM token WHERE purpose = 'undo_email_change' AND used_at IS NULL AND expires_at > clock_timestamp()`;
  if (waiting.length === 0) return [];
  const bindings = new Set(waiting.map(({ binding }) => Buffer.from(binding).toString('hex')));
  return emailKeys.flatMap((key, place) =>
    bindings.has(Buffer.from(addressBinding(key)).toString('hex')) ? [place] : [],
  );
}

async function endWithin(transaction: Transaction, which: Prisma.Sql): Promise<void> {
  await transaction.$executeRaw`
    WITH ended AS (UPDATE token SET used_at = clock_timestamp() WHERE ${which} AND used_at IS NULL RETURNING id)
    DELETE FROM link_password USING ended WHERE token_id = ended.id`;
}
