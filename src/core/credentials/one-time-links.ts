// One-time links. A link is issued without a secret, in the transaction of what asks for it; it gets 256 random bits when
// its mail is rendered (or an operator hands it over), and only their SHA-256 is kept. One use, one purpose, a short life
// that begins with the secret, and none once the account is no longer what the link was bound to.
import { timingSafeEqual } from 'node:crypto';
import { Prisma } from '../../generated/prisma/client.ts';
import type { Database, Transaction } from '../platform/database.ts';
import { hashToken, newToken } from './random-token.ts';

const SECRET = /^[A-Za-z0-9_-]{43}$/;
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** How long a link of each purpose lives. */
export const LINK_LIFE_MS = {
  reset_password: 30 * MINUTE_MS,
  confirm_registration: DAY_MS,
  invitation: 7 * DAY_MS,
  change_email: 60 * MINUTE_MS,
  undo_email_change: 7 * DAY_MS,
  not_me: 7 * DAY_MS,
} as const;

export type LinkPurpose = keyof typeof LINK_LIFE_MS;

/** A link waits so long for its mail to be rendered; mail gives up before. */
const WAITS_MS = 2 * DAY_MS;

export interface LinkRequest {
  readonly purpose: LinkPurpose;
  readonly userId?: string;
  readonly registrationId?: string;
  /** The session that the link is about. */
  readonly sessionId?: string;
  /** When the log-in was that led to what the link undoes. */
  readonly since?: Date;
  /** The address that the link is about, where it is not the account's. */
  readonly email?: string;
  readonly binding?: Uint8Array<ArrayBuffer>;
}

/** A link that counts, or counted until it was used just now. */
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
    /** Issues a link that nobody can follow yet, and gives its id. */
    async issueWithin(transaction: Transaction, request: LinkRequest): Promise<string> {
      const { purpose, userId = null, registrationId = null, sessionId = null } = request;
      const { since = null, email = null, binding = null } = request;
      const { id } = await transaction.token.create({
        data: {
          purpose,
          userId,
          registrationId,
          sessionId,
          since,
          email,
          binding,
          expiresAt: new Date(Date.now() + WAITS_MS),
        },
        select: { id: true },
      });
      return id;
    },

    /**
     * Gives a link its secret, the only time that it is seen, and begins its life. A secret that it had before counts no
     * longer. Null where the link was used, was taken back, or has waited for too long. That an earlier secret ran out is no
     * reason: nobody may have got it, and its mail is tried for a day.
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

    /** The link that a secret opens, unused as yet. Looking at it changes nothing: mail scanners follow links. */
    async find(purpose: LinkPurpose, secret: string): Promise<OneTimeLink | null> {
      if (!SECRET.test(secret)) return null;
      const [link] = await prisma.$queryRaw<OneTimeLink[]>`
        SELECT ${LINK} FROM token
         WHERE token_hash = ${hashToken(secret)} AND purpose = ${purpose} AND used_at IS NULL
           AND expires_at > clock_timestamp()`;
      return link ?? null;
    },

    /** Uses a link up. Of two at the same instant, one gets it. */
    async useWithin(transaction: Transaction, purpose: LinkPurpose, secret: string): Promise<OneTimeLink | null> {
      if (!SECRET.test(secret)) return null;
      const [link] = await transaction.$queryRaw<OneTimeLink[]>`
        UPDATE token SET used_at = clock_timestamp()
         WHERE token_hash = ${hashToken(secret)} AND purpose = ${purpose} AND used_at IS NULL
           AND expires_at > clock_timestamp()
        RETURNING ${LINK}`;
      return link ?? null;
    },

    /** Lets an account's links go on counting where its password is the same and only the hash of it is another. */
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

    /** Takes back every unused link of an account that has one of the purposes. */
    async takeBackWithin(transaction: Transaction, userId: string, purposes: readonly LinkPurpose[]): Promise<void> {
      await transaction.token.updateMany({
        where: { userId, purpose: { in: [...purposes] }, usedAt: null },
        data: { usedAt: new Date() },
      });
    },
  };
}

/** What makes a link count only while password and address are what they were when it was asked for. */
export function bindingOf({ passwordHash, emailKey }: BoundAccount): Uint8Array<ArrayBuffer> {
  return hashToken(`link ${emailKey} ${passwordHash}`);
}

/** Whether a link is bound to what the account is now. */
export function isBoundTo(link: OneTimeLink, account: BoundAccount): boolean {
  return link.binding !== null && timingSafeEqual(Buffer.from(link.binding), bindingOf(account));
}
