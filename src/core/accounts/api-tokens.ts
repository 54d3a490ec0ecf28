// Tokens by which a program reads the audit log for an auditor or an operator: made by an operator, shown once, told to their owner
// by mail, kept as a hash, good until they expire, are revoked, or their owner loses the role or takes the account back.
import { timingSafeEqual } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';
import type { Actor } from '../audit/events.ts';
import { recordEvent } from '../audit/outbox.ts';
import { hashToken, isToken, newToken } from '../credentials/random-token.ts';
import type { Mail } from '../mail/outgoing-mail.ts';
import type { DisownableLogin, TellOwner } from '../mail/owner-mail.ts';
import type { Told } from '../mail/templates.ts';
import type { Database, Transaction } from '../platform/database.ts';
import { showsPassword } from '../sessions/authentication-method.ts';
import { roleIn, seesConsole } from '../sessions/role.ts';
import { lockSession } from '../sessions/session-rows.ts';
import { STILL_GOOD } from './token-rows.ts';
import { lockUserWithin, type User } from './users.ts';

/** What a token opens. */
const API_SCOPES = ['audit'] as const;

export const MOST_DAYS = 366;
const DAY_MS = 86_400_000;
/** Of one account. */
const MOST_TOKENS = 20;
const MOST_LISTED = 500;
/** A use is written down once in so long. */
const USE_MS = 60_000;
/** By which people and scanners of leaked secrets tell what it is. */
const PREFIX = 'holdfast_';

/** One that still opens something. */
export interface ApiToken {
  readonly id: string;
  readonly userId: string;
  readonly email: string;
  readonly name: string;
  readonly scopes: readonly string[];
  readonly createdAt: Date;
  readonly expiresAt: Date;
  readonly lastUsedAt: Date | null;
}

export interface NewApiToken {
  readonly userId: string;
  readonly name: string;
  readonly days: number;
  readonly by: Actor;
  readonly told: Told;
}

export type MadeApiToken =
  | { readonly ok: true; readonly id: string; readonly secret: string }
  | { readonly ok: false; readonly reason: 'no_account' | 'session_ended' | 'not_an_auditor' | 'too_many' };

/** Who a token speaks for. */
export interface ApiReader {
  readonly tokenId: string;
  readonly userId: string;
  readonly scopes: readonly string[];
}

export interface ApiTokensOptions {
  readonly database: Database;
  readonly mail: Mail;
  readonly tellOwnerWithin: TellOwner;
}

export function createApiTokens({ database: { prisma, pool, transact }, mail, tellOwnerWithin }: ApiTokensOptions) {
  /** With the link "this wasn't me" about the log-in, where one of the account itself made it. */
  function tellWithin(
    transaction: Transaction,
    owner: User,
    login: DisownableLogin | null,
    { language, from: parameters }: Told,
  ): Promise<void> {
    const letter = { template: 'api-token-made', parameters, language } as const;
    return login === null
      ? mail.sendWithin(transaction, { ...letter, to: owner.email, userId: owner.id })
      : tellOwnerWithin(transaction, { ...letter, owner, login });
  }

  return {
    /**
     * The secret is seen this once; its owner is told by mail. An account that is disabled has tokens that open nothing. From a
     * session of the account that ended meanwhile none is made: its owner may just have taken the account back.
     */
    create({ userId, name, days, by, told }: NewApiToken): Promise<MadeApiToken> {
      const { actor, session = null, origin, reason } = by;
      return transact<MadeApiToken>(async (transaction) => {
        const user = await lockUserWithin(transaction, userId);
        if (!user) return { ok: false, reason: 'no_account' };
        const isOwn = actor === userId && session !== null;
        const login = isOwn ? await loginBehindWithin(transaction, user, session) : null;
        if (isOwn && login === null) return { ok: false, reason: 'session_ended' };
        if (!seesConsole(user.role)) return { ok: false, reason: 'not_an_auditor' };
        const [id, token] = [uuidv7(), newToken()];
        const made = await transaction.$executeRaw`
          INSERT INTO api_token (id, user_id, name, token_hash, scopes, created_by, expires_at)
          SELECT ${id}::uuid, ${userId}::uuid, ${name}, ${hashToken(token)}::bytea, ${[...API_SCOPES]}::text[], ${actor}::uuid,
                 clock_timestamp() + ${days * DAY_MS} * interval '1 millisecond'
           WHERE (SELECT count(*) FROM api_token WHERE user_id = ${userId}::uuid AND ${STILL_GOOD}) < ${MOST_TOKENS}`;
        if (made === 0) return { ok: false, reason: 'too_many' };
        const detail = { token: id, name, scopes: API_SCOPES.join(' '), days, ...(reason ? { reason } : {}) };
        const about = { actor, subject: userId, session, origin, detail };
        await recordEvent(transaction, { type: 'api_token_created', outcome: 'success', ...about });
        await tellWithin(transaction, user, login, told);
        return { ok: true, id, secret: `${PREFIX}${token}` };
      });
    },

    /** Those of an account, or all, the newest first. */
    async list(userId: string | null = null): Promise<readonly ApiToken[]> {
      const { rows } = await pool.query<ApiToken>(LIST, [userId, MOST_LISTED]);
      return rows;
    },

    /** False if there is none, or it ended before; with `userId` also if it is somebody else's. */
    revoke(
      { id, userId = null }: { readonly id: string; readonly userId?: string | null },
      { actor, session = null, origin, reason }: Actor,
    ): Promise<boolean> {
      return transact(async (transaction) => {
        const [row] = await transaction.$queryRaw<{ userId: string }[]>`
          UPDATE api_token SET revoked_at = clock_timestamp()
           WHERE id = ${id}::uuid AND (${userId}::uuid IS NULL OR user_id = ${userId}::uuid) AND ${STILL_GOOD}
          RETURNING user_id AS "userId"`;
        if (!row) return false;
        const detail = { token: id, ...(reason ? { reason } : {}) };
        const about = { actor, subject: row.userId, session, origin, detail };
        await recordEvent(transaction, { type: 'api_token_revoked', outcome: 'success', ...about });
        return true;
      });
    },

    /**
     * Who this secret speaks for; null for none, and for one that opens nothing any more. Found by its hash, so that the time
     * it takes tells nothing of a secret that is kept.
     */
    async find(secret: string): Promise<ApiReader | null> {
      const token = secret.startsWith(PREFIX) ? secret.slice(PREFIX.length) : '';
      if (!isToken(token)) return null;
      const hash = hashToken(token);
      const { rows } = await pool.query<ApiReader & { readonly hash: Buffer; readonly stale: boolean }>({
        name: 'api-token-find',
        text: FIND,
        values: [hash, USE_MS],
      });
      const [row] = rows;
      if (!row || !timingSafeEqual(row.hash, hash)) return null;
      const { tokenId, userId, scopes } = row;
      if (row.stale)
        await prisma.$executeRaw`UPDATE api_token SET last_used_at = clock_timestamp() WHERE id = ${tokenId}::uuid`;
      return { tokenId, userId, scopes };
    },
  };
}

/** Null where the session has ended. */
async function loginBehindWithin(
  transaction: Transaction,
  { id: userId, passwordHash }: User,
  sessionId: string,
): Promise<DisownableLogin | null> {
  const session = await lockSession(transaction, { sessionId, userId });
  if (!session) return null;
  const isShown = showsPassword(session.authenticationMethod);
  return { sessionId, since: session.replaces.loggedInAt, passwordHash: isShown ? passwordHash : null };
}

const LIST = `
  SELECT t.id, t.user_id AS "userId", u.email, t.name, t.scopes, t.created_at AS "createdAt", t.expires_at AS "expiresAt",
         t.last_used_at AS "lastUsedAt"
    FROM api_token AS t JOIN user_account AS u ON u.id = t.user_id
   WHERE ($1::uuid IS NULL OR t.user_id = $1) AND t.revoked_at IS NULL AND t.expires_at > clock_timestamp()
   ORDER BY t.created_at DESC, t.id DESC LIMIT $2`;

const FIND = `
  SELECT t.id AS "tokenId", t.user_id AS "userId", t.scopes, t.token_hash AS hash,
         coalesce(t.last_used_at < clock_timestamp() - $2 * interval '1 millisecond', true) AS stale
    FROM api_token AS t JOIN user_account AS u ON u.id = t.user_id
   WHERE t.token_hash = $1 AND t.revoked_at IS NULL AND t.expires_at > clock_timestamp()
     AND u.disabled_at IS NULL AND u.deleted_at IS NULL AND ${roleIn('u')} <> 'member'`;
