// Registering, logging in, changing the password: each is one transaction of row, session and events, or nothing.
// An account that does not exist, one that is disabled and a wrong password give one answer, after the same work.
import { createHmac, hkdfSync } from 'node:crypto';
import type { BlockNote, Origin } from './audit-events.ts';
import { type Database, isUniqueViolation, type Transaction } from './database.ts';
import type { KnownDevices } from './known-devices.ts';
import { recordEvent } from './outbox.ts';
import type { Passwords } from './passwords.ts';
import { nudgeSealing, type Queues } from './queues.ts';
import type { EndedSession } from './session-records.ts';
import type { NewSession, Sessions } from './sessions.ts';
import type { Taken, Throttle } from './throttle.ts';
import { emailKey, type Role, type User, type Users } from './users.ts';

/** A session that this browser holds already; it is replaced. */
interface Previous {
  readonly previousSessionId: string | null;
}

export interface Credentials extends Previous {
  readonly email: string;
  readonly password: string;
  readonly remember: boolean;
  readonly origin: Origin;
  /** The value of the cookie that known browsers keep; empty without one. */
  readonly deviceCookie: string;
}

/** Refused before anything was looked at: it says nothing of the account, nor of the password. */
export interface Throttled {
  readonly ok: false;
  readonly reason: 'throttled';
  readonly retryAfterMs: number;
}

interface Begun {
  readonly session: NewSession;
  /** What the browser is to keep as its device cookie. */
  readonly deviceCookie: string;
}

export type LoginResult =
  | ({ readonly ok: true } & Begun)
  | { readonly ok: false; readonly reason: 'wrong_credentials' }
  | Throttled;

export type RegisterResult =
  | ({ readonly ok: true } & Begun)
  | { readonly ok: false; readonly reason: 'email_taken' }
  | Throttled;

export type PasswordChangeResult =
  | { readonly ok: true; readonly session: NewSession }
  | { readonly ok: false; readonly reason: 'wrong_credentials' }
  | Throttled;

/** What the decision on an attempt was made by. */
interface Admission {
  readonly account: string;
  readonly deviceId: string | null;
  readonly taken: Extract<Taken, { ok: true }>;
}

export interface PasswordChange {
  readonly userId: string;
  readonly sessionId: string;
  readonly current: string;
  readonly password: string;
  readonly origin: Origin;
}

/** A double click on "Create account" sends the form twice; the second finds an account this young and just logs in. */
const DOUBLE_SUBMIT_MS = 60_000;

export interface LoginOptions {
  readonly database: Database;
  readonly users: Users;
  readonly sessions: Sessions;
  readonly passwords: Passwords;
  readonly queues: Queues;
  readonly throttle: Throttle;
  readonly devices: KnownDevices;
  /** The oldest session key: what was typed as an address is kept only as a hash keyed with what derives from it. */
  readonly secret: string;
}

export type Login = ReturnType<typeof createLogin>;

export function createLogin({
  database: { prisma },
  users,
  sessions,
  passwords,
  queues,
  throttle,
  devices,
  secret,
}: LoginOptions) {
  const identifierKey = Buffer.from(hkdfSync('sha256', secret, '', 'holdfast login identifier', 32));

  /** Begins a session for an account whose owner has proved who they are, and ends the one it replaces. */
  async function begin(
    user: User,
    { remember, origin, previousSessionId, deviceCookie }: Omit<Credentials, 'email' | 'password'>,
    { attemptId, deviceId }: { attemptId?: string; deviceId: string | null },
  ): Promise<Begun> {
    const account = identifierHash(user.email);
    const [session, ended, cookie] = await prisma.$transaction(async (transaction) => {
      // Serialises with a change of password, of role or of state: none of them can pass by unseen.
      const [current] = await transaction.$queryRaw<{ ok: boolean; role: Role }[]>`
        SELECT disabled_at IS NULL AND password_hash = ${user.passwordHash} AS ok, role
          FROM user_account WHERE id = ${user.id}::uuid FOR SHARE`;
      if (!current?.ok) throw new AccountChangedError();
      const what = await whatIsNew(transaction, user.id, origin);
      const replaced = previousSessionId
        ? await sessions.endWithin(
            transaction,
            { sessionId: previousSessionId },
            { reason: 'replaced', actor: user.id, origin },
          )
        : [];
      const created = await sessions.createWithin(transaction, { ...user, role: current.role }, { remember, origin });
      const about = {
        outcome: 'success',
        actor: user.id,
        subject: user.id,
        session: created.record.owner.id,
        origin,
      } as const;
      await recordEvent(
        transaction,
        { type: 'authn_login_success', ...about, ...(attemptId ? { id: attemptId } : {}) },
        { identifierHash: account, device: deviceId },
      );
      const remembered = { userId: user.id, deviceId, account, cookie: deviceCookie };
      const kept = await devices.rememberWithin(transaction, remembered);
      if (what) await recordEvent(transaction, { type: 'authn_new_device', ...about, detail: { new: what } });
      return [created, replaced, kept] as const;
    });
    await Promise.all([sessions.open(session), sessions.afterCommit(ended)]);
    return { session, deviceCookie: cookie };
  }

  /** What makes this log-in one from a new device: null at the first log-in, and for a browser and address seen before. */
  async function whatIsNew(
    transaction: Transaction,
    userId: string,
    { ip, userAgent }: Origin,
  ): Promise<string | null> {
    const [seen] = await transaction.$queryRaw<{ any: boolean; ip: boolean; browser: boolean }[]>`
      SELECT count(*) > 0 AS any, coalesce(bool_or(ip = ${ip}::inet), false) AS ip,
             coalesce(bool_or(user_agent IS NOT DISTINCT FROM ${userAgent}), false) AS browser
        FROM session WHERE user_id = ${userId}::uuid`;
    if (!seen?.any) return null;
    const news = [seen.browser ? '' : 'browser', seen.ip ? '' : 'address'].filter((word) => word !== '');
    return news.length > 0 ? news.join(' and ') : null;
  }

  function identifierHash(email: string): string {
    return createHmac('sha256', identifierKey).update(emailKey(email)).digest('base64url');
  }

  async function recordFailure(
    user: User | null,
    { origin }: Credentials,
    { account, deviceId, taken }: Admission,
    reason: string,
  ): Promise<void> {
    const event = {
      id: taken.id,
      type: 'authn_login_fail',
      outcome: 'failure',
      actor: null,
      subject: user?.id ?? null,
      origin,
      detail: { reason },
    } as const;
    await prisma.$transaction(async (transaction) => {
      await recordEvent(transaction, event, { identifierHash: account, device: deviceId });
      await recordBlocks(transaction, taken.blocks, user?.id ?? null, origin);
    });
    nudgeSealing(queues);
  }

  /** One event a block, however many attempts it will refuse. */
  async function recordBlocks(
    transaction: Transaction,
    blocks: readonly BlockNote[],
    subject: string | null,
    origin: Origin,
  ): Promise<void> {
    for (const block of blocks) {
      const detail = { scope: block.scope, failures: block.failures, seconds: Math.ceil(block.lastsMs / 1_000) };
      const ofOneAccount = block.scope !== 'client' && block.scope !== 'register';
      await recordEvent(
        transaction,
        {
          type: 'excess_rate_limit_exceeded',
          outcome: 'failure',
          actor: null,
          subject: ofOneAccount ? subject : null,
          origin,
          detail: { ...detail, block: block.id },
        },
        undefined,
        block,
      );
    }
  }

  async function refuse(
    { retryAfterMs, blocks }: Extract<Taken, { ok: false }>,
    subject: string | null,
    origin: Origin,
  ): Promise<Throttled> {
    if (blocks.length > 0) {
      await prisma.$transaction((transaction) => recordBlocks(transaction, blocks, subject, origin));
      nudgeSealing(queues);
    }
    return { ok: false, reason: 'throttled', retryAfterMs };
  }

  /** Looks at an attempt that was let through. What it throws is an outage, and no guess was answered. */
  async function tryCredentials(credentials: Credentials, admission: Admission): Promise<LoginResult> {
    const user = await users.findByEmail(credentials.email);
    const matches = await passwords.verify(user?.passwordHash ?? null, credentials.password);
    if (!user || !matches || user.disabledAt) {
      await recordFailure(user, credentials, admission, refusal(user, matches));
      return { ok: false, reason: 'wrong_credentials' };
    }
    try {
      const { taken, deviceId } = admission;
      return { ok: true, ...(await begin(user, credentials, { attemptId: taken.id, deviceId })) };
    } catch (error) {
      if (!(error instanceof AccountChangedError)) throw error;
      await recordFailure(user, credentials, admission, 'account_changed');
      return { ok: false, reason: 'wrong_credentials' };
    }
  }

  async function tryPasswordChange(
    change: PasswordChange,
    blocks: readonly BlockNote[],
  ): Promise<PasswordChangeResult> {
    const user = await users.find(change.userId);
    const matches = await passwords.verify(user?.passwordHash ?? null, change.current);
    const { origin } = change;
    const about = { actor: change.userId, subject: change.userId, session: change.sessionId, origin } as const;
    if (!user || !matches) {
      await prisma.$transaction(async (transaction) => {
        await recordEvent(transaction, { type: 'authn_password_change_fail', outcome: 'failure', ...about });
        await recordBlocks(transaction, blocks, change.userId, origin);
      });
      nudgeSealing(queues);
      return { ok: false, reason: 'wrong_credentials' };
    }
    const passwordHash = await passwords.hash(change.password);
    const changed = await prisma.$transaction(async (transaction) => {
      const [old] = await transaction.$queryRaw<{ remember: boolean }[]>`
      SELECT remember FROM session WHERE id = ${change.sessionId}::uuid AND ended_at IS NULL FOR UPDATE`;
      if (!old) return null;
      await transaction.user.update({
        where: { id: user.id },
        data: { passwordHash, passwordChangedAt: new Date() },
      });
      await recordEvent(transaction, { type: 'authn_password_change', outcome: 'success', ...about });
      const reason = { reason: 'password_changed', actor: user.id, origin } as const;
      const all = await sessions.endWithin(transaction, { userId: user.id }, reason);
      return [await sessions.createWithin(transaction, user, { remember: old.remember, origin }), all] as const;
    });
    if (!changed) return { ok: false, reason: 'wrong_credentials' };
    const [session, ended] = changed;
    await Promise.all([sessions.open(session), sessions.afterCommit(ended)]);
    return { ok: true, session };
  }

  return {
    /**
     * Logs in, if the throttle lets the attempt through. A refusal is recorded before it is answered, and so is a success:
     * if PostgreSQL can't take the record, the error is thrown and nobody is logged in.
     */
    async logIn(credentials: Credentials): Promise<LoginResult> {
      const account = identifierHash(credentials.email);
      const deviceId = await devices.find(account, credentials.deviceCookie);
      const taken = await throttle.takeLogin({ account, ip: credentials.origin.ip, deviceId });
      if (!taken.ok) return refuse(taken, null, credentials.origin);
      return settled(taken, () => tryCredentials(credentials, { account, deviceId, taken }));
    },

    /** Makes an account and logs in, in one transaction. Of two with one address at the same instant, one gets it. */
    async register(credentials: Credentials): Promise<RegisterResult> {
      const taken = await throttle.takeRegister(credentials.origin.ip);
      if (!taken.ok) return refuse(taken, null, credentials.origin);
      if (taken.blocks.length > 0) {
        await prisma.$transaction((transaction) => recordBlocks(transaction, taken.blocks, null, credentials.origin));
      }
      const passwordHash = await passwords.hash(credentials.password);
      const { email, origin, remember, previousSessionId, deviceCookie } = credentials;
      try {
        const [session, ended, kept] = await prisma.$transaction(async (transaction) => {
          const user = await users.createWithin(transaction, { email, passwordHash, role: 'member', origin });
          const replaced: EndedSession[] = previousSessionId
            ? await sessions.endWithin(
                transaction,
                { sessionId: previousSessionId },
                { reason: 'replaced', actor: user.id, origin },
              )
            : [];
          const created = await sessions.createWithin(transaction, user, { remember, origin });
          const remembered = { userId: user.id, deviceId: null, account: identifierHash(email), cookie: deviceCookie };
          return [created, replaced, await devices.rememberWithin(transaction, remembered)] as const;
        });
        await Promise.all([sessions.open(session), sessions.afterCommit(ended)]);
        return { ok: true, session, deviceCookie: kept };
      } catch (error) {
        if (!isUniqueViolation(error)) throw error;
      }
      const user = await users.findByEmail(email);
      const young = user !== null && Date.now() - user.createdAt.getTime() < DOUBLE_SUBMIT_MS;
      if (young && (await passwords.verify(user.passwordHash, credentials.password))) {
        return { ok: true, ...(await begin(user, credentials, { deviceId: null })) };
      }
      return { ok: false, reason: 'email_taken' };
    },

    /**
     * Changes a password and ends every session of the account, this one included; a new one takes its place.
     * A wrong current password is recorded and refused; so is a change from a session that ended meanwhile.
     */
    async changePassword(change: PasswordChange): Promise<PasswordChangeResult> {
      const taken = await throttle.takePasswordChange(change.userId);
      if (!taken.ok) return refuse(taken, change.userId, change.origin);
      return settled(taken, () => tryPasswordChange(change, taken.blocks));
    },
  };
}

/** Settles what an attempt took by what came of it. */
async function settled<R extends { readonly ok: boolean }>(
  taken: Extract<Taken, { ok: true }>,
  work: () => Promise<R>,
): Promise<R> {
  let result: R;
  try {
    result = await work();
  } catch (error) {
    await taken.giveBack();
    throw error;
  }
  if (result.ok) await taken.succeeded();
  return result;
}

/** The account changed between the check of the password and the beginning of the session. */
class AccountChangedError extends Error {}

function refusal(user: User | null, matches: boolean): string {
  if (!user) return 'unknown_account';
  return matches ? 'account_disabled' : 'wrong_password';
}
