// One-time links. A link is issued without a secret, in the transaction of what asks for it; it
// gets its token when its mail is rendered, or an operator passes it on. One use, one purpose, a
// life that begins with the token, and none once the account is no longer what the link was bound
// to.
import { timingSafeEqual } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';
import { Prisma } from '../../generated/prisma/client.ts';
import { ago, type Database, deleteSome, type Transaction } from '../platform/database.ts';
import { addressBinding } from './login-links.ts';
import { hashToken, isToken, newToken } from './random-token.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

export const LINK_LIFE_MS = {
  reset_password: 30 * MINUTE_MS,
  confirm_registration: DAY_MS,
  invitation: 7 * DAY_MS,
  change_email: 60 * MINUTE_MS,
  undo_email_change: 7 * DAY_MS,
  not_me: 7 * DAY_MS,
} as const;

export type LinkPurpose = keyof typeof LINK_LIFE_MS;

/** A link waits this long for its mail; the mail gives up earlier. */
const WAITS_MS = 2 * DAY_MS;

export interface LinkRequest {
  readonly purpose: LinkPurpose;
  readonly userId?: string;
  readonly registrationId?: string;
  readonly sessionId?: string;
  /** When the log-in was that led to what the link undoes. */
  readonly since?: Date | undefined;
  /** Of the password that this log-in showed, if it showed one. */
  readonly passwordHash?: string | null;
  /** Where it is not the account's. */
  readonly email?: string;
  readonly binding?: Uint8Array<ArrayBuffer>;
}

export interface OneTimeLink {
  readonly id: string;
  readonly userId: string | null;
  readonly registrationId: string | null;
  readonly sessionId: string | null;
  readonly since: Date | null;
  readonly createdAt: Date;
  readonly email: string | null;
  readonly binding: Uint8Array | null;
}

const LINK = Prisma.raw(
  'id, user_id AS "userId", registration_id AS "registrationId", session_id AS "sessionId", since, created_at AS "createdAt", email, binding',
);

interface BoundAccount {
  readonly passwordHash: string;
  readonly emailKey: string;
}

export type OneTimeLinks = ReturnType<typeof createOneTimeLinks>;

export function createOneTimeLinks({ database: { prisma } }: { database: Database }) {
  return {
    /** Issues a link that nobody can follow yet; returns its id. */
    async issueWithin(transaction: Transaction, request: LinkRequest): Promise<string> {
      const { purpose, userId = null, registrationId = null, sessionId = null } = request;
      const { since = null, email = null, binding = null, passwordHash = null } = request;
      const id = uuidv7();
      await transaction.$executeRaw`
        INSERT INTO token (id, purpose, user_id, registration_id, session_id, since, email, binding, expires_at)
        VALUES (${id}::uuid, ${purpose}, ${userId}::uuid, ${registrationId}::uuid, ${sessionId}::uuid, ${since}::timestamptz,
                ${email}, ${binding}::bytea, clock_timestamp() + ${WAITS_MS} * interval '1 millisecond')`;
      if (passwordHash !== null) await transaction.linkPassword.create({ data: { tokenId: id, passwordHash } });
      return id;
    },

    /**
     * Gives a link its secret, which begins its life and replaces an earlier one. Null if the link
     * was used, taken back or has waited for too long; that an earlier secret expired does not
     * matter, for its mail may not have arrived.
     */
    async revealWithin(transaction: Transaction, id: string): Promise<string | null> {
      const secret = newToken();
      const [token] = await transaction.$queryRaw<{ purpose: string }[]>`
        SELECT purpose FROM token
         WHERE id = ${id}::uuid AND used_at IS NULL
           AND greatest(expires_at, created_at + ${WAITS_MS} * interval '1 millisecond') > clock_timestamp()`;
      if (!token) return null;
      const lifeMs = LINK_LIFE_MS[token.purpose as LinkPurpose] ?? LINK_LIFE_MS.reset_password;
      const revealed = await transaction.$executeRaw`
        UPDATE token SET token_hash = ${hashToken(secret)}, expires_at = clock_timestamp() + ${lifeMs} * interval '1 millisecond'
         WHERE id = ${id}::uuid AND used_at IS NULL`;
      return revealed > 0 ? secret : null;
    },

    /** An unused link. Changes nothing: mail scanners follow links. */
    async find(purpose: LinkPurpose, secret: string): Promise<OneTimeLink | null> {
      if (!isToken(secret)) return null;
      const [link] = await prisma.$queryRaw<OneTimeLink[]>`
        SELECT ${LINK} FROM token
         WHERE token_hash = ${hashToken(secret)} AND purpose = ${purpose} AND used_at IS NULL
           AND expires_at > clock_timestamp()`;
      return link ?? null;
    },

    /** Uses a link. Of two at the same moment, one gets it. */
    async useWithin(transaction: Transaction, purpose: LinkPurpose, secret: string): Promise<OneTimeLink | null> {
      if (!isToken(secret)) return null;
      const [link] = await transaction.$queryRaw<OneTimeLink[]>`
        WITH used AS (
               UPDATE token SET used_at = clock_timestamp()
                WHERE token_hash = ${hashToken(secret)} AND purpose = ${purpose} AND used_at IS NULL
                  AND expires_at > clock_timestamp()
               RETURNING *),
             forgotten AS (DELETE FROM link_password USING used WHERE token_id = used.id)
        SELECT ${LINK} FROM used`;
      return link ?? null;
    },

    /** Keeps an account's links valid where only the hash of the same password changes. */
    async rebindWithin(
      transaction: Transaction,
      account: BoundAccount & { readonly id: string },
      passwordHash: string,
    ): Promise<void> {
      await transaction.token.updateMany({
        where: { userId: account.id, usedAt: null, binding: bindingOf(account) },
        data: { binding: bindingOf({ ...account, passwordHash }) },
      });
    },

    /** The newest link of an account that can be followed, or will be once its mail is sent. */
    async newestOf(userId: string, purpose: LinkPurpose): Promise<(OneTimeLink & { readonly createdAt: Date }) | null> {
      const [link] = await prisma.$queryRaw<(OneTimeLink & { readonly createdAt: Date })[]>`
        SELECT ${LINK}, created_at AS "createdAt" FROM token
         WHERE user_id = ${userId}::uuid AND purpose = ${purpose} AND used_at IS NULL AND expires_at > clock_timestamp()
         ORDER BY created_at DESC, id DESC LIMIT 1`;
      return link ?? null;
    },

    /** Takes back the unused links of an account for these purposes; returns how many could still be followed. */
    async takeBackWithin(transaction: Transaction, userId: string, purposes: readonly LinkPurpose[]): Promise<number> {
      const [row] = await transaction.$queryRaw<{ count: number }[]>`
        WITH taken AS (
        UPDATE token SET used_at = clock_timestamp()
         WHERE user_id = ${userId}::uuid AND purpose = ANY (${[...purposes]}) AND used_at IS NULL
         RETURNING expires_at)
        SELECT count(*)::int AS count FROM taken WHERE expires_at > clock_timestamp()`;
      return row?.count ?? 0;
    },
  };
}

/** Binds a link to the account's password and address as they are. */
export function bindingOf({ passwordHash, emailKey }: BoundAccount): Uint8Array<ArrayBuffer> {
  return hashToken(`link ${emailKey} ${passwordHash}`);
}

export function isBoundTo(link: OneTimeLink, account: BoundAccount): boolean {
  return isBoundBy(link, bindingOf(account));
}

/** By a link about a log-in. One that an older version issued is bound to the password as well. */
export function isBoundToAddress(link: OneTimeLink, account: BoundAccount): boolean {
  return isBoundBy(link, addressBinding(account.emailKey)) || isBoundTo(link, account);
}

function isBoundBy({ binding }: OneTimeLink, expected: Uint8Array): boolean {
  return binding !== null && timingSafeEqual(Buffer.from(binding), expected);
}

/** With their account: no link of it counts any more, and none keeps an address. */
export async function emptyLinksWithin(transaction: Transaction, userId: string): Promise<void> {
  await transaction.$executeRaw`
    UPDATE token SET used_at = coalesce(used_at, clock_timestamp()), email = NULL WHERE user_id = ${userId}::uuid`;
  await transaction.linkPassword.deleteMany({ where: { token: { userId } } });
}

/**
 * Deletes links that were used or have expired, at most `limit`; returns how many. One whose mail still waits stays: the
 * mail gives it a new secret.
 */
export function deleteSpentLinks(transaction: Transaction, limit: number): Promise<number> {
  const where = Prisma.sql`used_at IS NOT NULL
    OR (expires_at < ${ago(0)} AND NOT EXISTS (SELECT FROM mail WHERE token_id = token.id AND ended_at IS NULL))`;
  return deleteSome(transaction, { from: 'token', where, limit, skipsHeld: true });
}
