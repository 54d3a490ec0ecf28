// Invitations that nobody has accepted yet, as operators see them: each can be sent again, with a new link in place of the one
// before, and revoked. Both are recorded, about the account that the invitation may become.
import { Prisma } from '../../generated/prisma/client.ts';
import type { Users } from '../accounts/users.ts';
import type { Actor } from '../audit/events.ts';
import { recordEvent } from '../audit/outbox.ts';
import { LINK_LIFE_MS, type OneTimeLinks } from '../credentials/one-time-links.ts';
import type { Mail } from '../mail/outgoing-mail.ts';
import type { Told } from '../mail/templates.ts';
import type { Database, Transaction } from '../platform/database.ts';

const PURPOSE = 'invitation';
/** The mail may wait this long before its link begins to count. */
const MAIL_WAITS_MS = 86_400_000;

/** `given`: an operator has handed the link over, or its mail was sent so long ago that nothing is kept of it. */
export type InvitationState = 'waiting' | 'sent' | 'failed' | 'given' | 'expired';

export interface PendingInvitation {
  readonly id: string;
  readonly email: string;
  /** Null on the command line. */
  readonly invitedBy: string | null;
  readonly invitedAt: Date;
  readonly state: InvitationState;
  /** Until when the link works; null while its mail waits, and once it has expired. */
  readonly worksUntil: Date | null;
}

export type SentAgain =
  | { readonly ok: true; readonly secret: string | null }
  | { readonly ok: false; readonly reason: 'gone' | 'email_taken' };

export interface PendingInvitationsOptions {
  readonly database: Database;
  readonly users: Users;
  readonly links: OneTimeLinks;
  readonly mail: Mail;
}

export function createPendingInvitations({ database, users, links, mail }: PendingInvitationsOptions) {
  const { prisma, transact } = database;

  function read(which: Prisma.Sql, limit: number): Promise<PendingInvitation[]> {
    return prisma.$queryRaw<PendingInvitation[]>`
      SELECT r.id, r.email, r.invited_by AS "invitedBy", r.created_at AS "invitedAt",
             CASE WHEN t.id IS NULL OR t.used_at IS NOT NULL THEN 'expired'
                  WHEN m.id IS NOT NULL AND m.ended_at IS NULL THEN 'waiting'
                  WHEN m.outcome = 'failed' THEN 'failed'
                  WHEN t.expires_at <= clock_timestamp() THEN 'expired'
                  WHEN m.outcome = 'sent' THEN 'sent' ELSE 'given' END AS state,
             CASE WHEN t.token_hash IS NOT NULL AND t.expires_at > clock_timestamp() THEN t.expires_at END AS "worksUntil"
        FROM registration AS r
        LEFT JOIN LATERAL (SELECT * FROM token WHERE registration_id = r.id ORDER BY created_at DESC LIMIT 1) AS t ON true
        LEFT JOIN LATERAL (SELECT id, ended_at, outcome FROM mail WHERE token_id = t.id ORDER BY created_at DESC LIMIT 1)
                       AS m ON true
       WHERE r.password_hash IS NULL AND r.expires_at > clock_timestamp() AND ${which}
         AND NOT EXISTS (SELECT FROM user_account WHERE user_account.email_key = r.email_key)
       ORDER BY r.created_at DESC, r.id DESC LIMIT ${limit}`;
  }

  /** A new link in place of the one before. @returns its id, or null where the invitation is gone. */
  async function renewWithin(transaction: Transaction, id: string): Promise<string | null> {
    const lifeMs = LINK_LIFE_MS[PURPOSE] + MAIL_WAITS_MS;
    const renewed = await transaction.$executeRaw`
      UPDATE registration SET expires_at = clock_timestamp() + ${lifeMs} * interval '1 millisecond'
       WHERE id = ${id}::uuid AND password_hash IS NULL AND expires_at > clock_timestamp()`;
    if (renewed === 0) return null;
    await transaction.$executeRaw`
      UPDATE token SET used_at = clock_timestamp()
       WHERE registration_id = ${id}::uuid AND purpose = ${PURPOSE} AND used_at IS NULL`;
    return links.issueWithin(transaction, { purpose: PURPOSE, registrationId: id });
  }

  return {
    /** The newest first. */
    list: (limit: number) => read(Prisma.sql`true`, limit),

    async find(id: string): Promise<PendingInvitation | null> {
      return (await read(Prisma.sql`r.id = ${id}::uuid`, 1))[0] ?? null;
    },

    /** Mails it; where no mail is possible, returns the secret of its link for the operator to hand over. */
    async sendAgain({ id, email }: PendingInvitation, told: Told, by: Actor): Promise<SentAgain> {
      if (await users.findByEmail(email)) return { ok: false, reason: 'email_taken' };
      return transact<SentAgain>(async (transaction) => {
        const tokenId = await renewWithin(transaction, id);
        if (tokenId === null) return { ok: false, reason: 'gone' };
        const how = mail.possible ? 'mail' : 'handed_over';
        await recordEvent(transaction, {
          type: 'user_invited',
          outcome: 'success',
          ...about(id, by, { how, again: true }),
        });
        if (!mail.possible) return { ok: true, secret: await links.revealWithin(transaction, tokenId) };
        const letter = { to: email, userId: null, language: told.language, parameters: {}, tokenId };
        await mail.sendWithin(transaction, { ...letter, template: 'invitation' });
        return { ok: true, secret: null };
      });
    },

    /** Its link goes with it. False where it was accepted, revoked or forgotten meanwhile. */
    revoke(id: string, by: Actor): Promise<boolean> {
      return transact(async (transaction) => {
        const { count } = await transaction.registration.deleteMany({ where: { id, passwordHash: null } });
        if (count === 0) return false;
        await recordEvent(transaction, { type: 'user_invitation_revoked', outcome: 'success', ...about(id, by, {}) });
        return true;
      });
    },
  };
}

function about(
  subject: string,
  { actor, session = null, origin, reason }: Actor,
  detail: Readonly<Record<string, string | boolean>>,
) {
  return { actor, subject, session, origin, detail: { ...detail, ...(reason ? { reason } : {}) } };
}
