// The statement that starts a session: check of the account, row, events and known browser in one.
// Beside the hash, round trips to the database are most of what a log-in costs.
import { Prisma } from '../../generated/prisma/client.ts';
import type { User } from '../accounts/users.ts';
import type { Origin } from '../audit/events.ts';
import { insertEvents } from '../audit/outbox.ts';
import type { IdentifierHash } from '../credentials/identifier-hash.ts';
import { type AuthenticationMethod, isTwoFactors } from '../sessions/authentication-method.ts';
import { roleIn } from '../sessions/role.ts';
import { roomForSession, seenBefore } from '../sessions/session-rows.ts';
import type { NewSession, Sessions } from '../sessions/sessions.ts';
import type { KnownDevices } from '../throttle/known-devices.ts';

export interface CurrentAccount {
  /** As it was when the proof was checked. */
  readonly unchanged: boolean;
  readonly enough: boolean;
  /** Whether it has a session; one from this address; one by this browser. Those of long ago are gone. */
  readonly seen: boolean;
  readonly seen_ip: boolean;
  readonly seen_browser: boolean;
  /** Whether it may have one more live session. */
  readonly roomy: boolean;
}

export interface StartRow extends CurrentAccount {
  /** Of the session that began; null if it was not allowed to. */
  readonly created_at: Date | null;
  readonly remaining_ms: number | null;
  readonly timeline: string | null;
  readonly known: boolean;
}

export interface Begun {
  readonly session: NewSession;
  /** What the browser is to keep as its device cookie. */
  readonly deviceCookie: string;
}

interface Start {
  readonly user: User;
  readonly remember: boolean;
  readonly origin: Origin;
  readonly deviceCookie: string;
  readonly deviceId: string | null;
  readonly attemptId?: string;
  readonly authenticationMethod: AuthenticationMethod;
}

/**
 * Reads the account and locks it. A change of its password, role or state comes before and is seen
 * here, or comes after and ends the session.
 */
export function currentAccount({ user, origin, authenticationMethod }: Start, mostSessions: number): Prisma.Sql {
  return Prisma.sql`
    SELECT disabled_at IS NULL AND password_hash = ${user.passwordHash} AND ${Prisma.raw(roleIn('user_account'))} = ${user.role} AS unchanged,
           ${isTwoFactors(authenticationMethod)}
             OR NOT (EXISTS (SELECT FROM totp WHERE user_id = user_account.id)
                     OR EXISTS (SELECT FROM passkey WHERE user_id = user_account.id)) AS enough,
           ${seenBefore(origin)}, ${roomForSession(mostSessions)}
      FROM user_account WHERE id = ${user.id}::uuid FOR SHARE`;
}

/** Null for a browser and address seen before. */
export function whatIsNew({ seen_browser, seen_ip }: CurrentAccount): string | null {
  const news = [seen_browser ? '' : 'browser', seen_ip ? '' : 'address'].filter((word) => word !== '');
  return news.length > 0 ? news.join(' and ') : null;
}

export interface StartStatementOptions {
  readonly sessions: Sessions;
  readonly devices: KnownDevices;
  readonly identifierHash: IdentifierHash;
}

/**
 * Makes the statement that starts a session if the account allows it. `news` is what is new about
 * the log-in; with `'none'` the session starts only if browser and address were seen before, and no session must go for it.
 * `begun` reads the statement's row: null if nothing began.
 */
export function createStartStatement({ sessions, devices, identifierHash }: StartStatementOptions) {
  return (start: Start, news: { readonly what: string | null } | 'none') => {
    const { user, remember, origin, deviceId, attemptId, authenticationMethod } = start;
    const account = identifierHash(user.email);
    const what = news === 'none' ? null : news.what;
    const about = { outcome: 'success', actor: user.id, subject: user.id, origin } as const;
    const loggedIn = {
      ...about,
      ...(attemptId ? { id: attemptId } : {}),
      type: 'authn_login_success',
      detail: { proved: authenticationMethod },
    } as const;
    const newDevice = { ...about, type: 'authn_new_device', detail: { new: what } } as const;
    const allowed = Prisma.sql`allowed`;
    const device = devices.remembering(
      { userId: user.id, deviceId, account, cookie: start.deviceCookie, origin },
      allowed,
    );
    const draft = sessions.draft(user, {
      remember,
      authenticationMethod,
      origin,
      browser: device.browser,
      also: (session) => [
        { event: { ...loggedIn, session }, attempt: { identifierHash: account, device: deviceId } },
        ...(what ? [{ event: { ...newDevice, session } }] : []),
      ],
    });
    return {
      statement: Prisma.sql`
        WITH account AS MATERIALIZED (${currentAccount(start, sessions.mostOfAccount)}),
             allowed AS (SELECT FROM account
                          WHERE unchanged AND enough AND (${news !== 'none'} OR (roomy AND seen_ip AND seen_browser))),
             ${device.tables},
             begun AS (${draft.insert(allowed)}),
             recorded AS (${insertEvents(draft.notes, allowed)})
        SELECT account.*, begun.created_at, begun.remaining_ms, begun.timeline, ${device.known} AS known
          FROM account LEFT JOIN begun ON true`,
      begun(row: StartRow | undefined): Begun | null {
        if (!row?.created_at) return null;
        const { created_at, timeline } = row;
        const inserted = { created_at, timeline, remaining_ms: row.remaining_ms ?? 0 };
        return { session: draft.begun(inserted), deviceCookie: device.cookie(row.known) };
      },
    };
  };
}
