// "This wasn't me": the link in mails about a log-in and about what was changed. Following it shows the log-in. The button
// there ends every session, forgets every known browser, revokes every API token, replaces the password and leads to a new one:
// whoever logged in knew the old one. It takes back second factors too, where the owner has shown to be one (owner-proof.ts).
import { revokeTokensWithin } from '../accounts/token-rows.ts';
import { lockUserWithin, replacePasswordWithin, type User } from '../accounts/users.ts';
import type { Origin } from '../audit/events.ts';
import { recordEvent } from '../audit/outbox.ts';
import { takeBackNotMeWithin } from '../credentials/login-links.ts';
import { bindingOf, type OneTimeLinks } from '../credentials/one-time-links.ts';
import type { Passwords } from '../credentials/passwords.ts';
import { newToken } from '../credentials/random-token.ts';
import { takeBackWithin } from '../factors/taken-back.ts';
import type { Mail } from '../mail/outgoing-mail.ts';
import type { Told } from '../mail/templates.ts';
import type { Database } from '../platform/database.ts';
import { findOrigin } from '../sessions/session-rows.ts';
import type { Sessions } from '../sessions/sessions.ts';
import type { KnownDevices } from '../throttle/known-devices.ts';
import type { Throttled } from '../throttle/refusals.ts';
import { DEAD_LINK, type DeadLink, type OpenLink } from './open-link.ts';
import type { FactorsSince, OwnerProof, OwnerProofs } from './owner-proof.ts';

/** The log-in that a link is about. */
export interface UnknownLogin {
  readonly at: Date;
  readonly ip: string | null;
  readonly userAgent: string | null;
}

/** What a browser brings along with a link. */
export interface Holder {
  readonly secret: string;
  /** The value of the cookie that known browsers keep. */
  readonly deviceCookie: string;
  readonly origin: Origin;
}

export interface NotMeOptions {
  readonly database: Database;
  readonly sessions: Sessions;
  readonly passwords: Passwords;
  readonly devices: KnownDevices;
  readonly links: OneTimeLinks;
  readonly openLink: OpenLink;
  readonly ownerProofs: OwnerProofs;
  readonly mail: Mail;
}

export type Disowned =
  | { readonly ok: true; readonly resetSecret: string }
  | Exclude<OwnerProof, { ok: true }>
  | DeadLink
  | Throttled;

const PURPOSE = 'not_me';

export function createNotMe({
  database: { prisma, transact },
  sessions,
  passwords,
  devices,
  links,
  openLink,
  ownerProofs,
  mail,
}: NotMeOptions) {
  const open = ({ secret, origin }: Holder) =>
    openLink.openOfAccount({ purpose: PURPOSE, secret, origin }, (user, { id: linkId, sessionId }) => ({
      user,
      linkId,
      sessionId,
    }));

  const disowning = (user: User, linkId: string, { deviceCookie }: Holder) => ({
    userId: user.id,
    email: user.email,
    linkId,
    deviceCookie,
  });

  return {
    /** `login` is null where the link is about none, or nothing is known of it any more. */
    async look(
      holder: Holder,
    ): Promise<{ ok: true; login: UnknownLogin | null; factors: FactorsSince } | DeadLink | Throttled> {
      const opened = await open(holder);
      if (!opened.ok) return opened;
      const { user, linkId, sessionId } = opened.target;
      const session = sessionId === null ? null : await findOrigin(prisma, sessionId);
      const login = session && { at: session.loggedInAt, ip: session.ip, userAgent: session.userAgent };
      return { ok: true, login, factors: await ownerProofs.look(disowning(user, linkId, holder)) };
    },

    /** Ends all sessions, since the log-in's may have been replaced. Returns the secret of a link to a new password. */
    async disown(holder: Holder, password: string, told: Told): Promise<Disowned> {
      const opened = await open(holder);
      if (!opened.ok) return opened;
      const { user, linkId, sessionId } = opened.target;
      const { secret, origin } = holder;
      const proof = await ownerProofs.prove(disowning(user, linkId, holder), password, origin);
      if (!proof.ok) return proof;
      const passwordHash = await passwords.hash(newToken(), { account: user.email, ip: origin.ip });
      const resetSecret = await transact(async (transaction) => {
        const account = await lockUserWithin(transaction, user.id);
        if (account?.emailKey !== user.emailKey || !(await links.useWithin(transaction, PURPOSE, secret))) return null;
        const detail = { factors: proof.by === null ? 'kept' : 'taken_back', proof: proof.by };
        const about = { actor: user.id, subject: user.id, session: sessionId, origin, detail } as const;
        await recordEvent(transaction, { type: 'authn_login_disowned', outcome: 'success', ...about });
        await replacePasswordWithin(transaction, user.id, passwordHash);
        await takeBackNotMeWithin(transaction, user.id, user.emailKey);
        const why = { reason: 'revoked', actor: user.id, origin, browsersStay: true } as const;
        await sessions.endWithin(transaction, { userId: user.id }, why);
        await devices.forgetAllWithin(transaction, user.id, { actor: user.id, origin });
        await revokeTokensWithin(transaction, user.id, { actor: user.id, origin, reason: 'login_disowned' });
        const { email } = account;
        if (proof.since)
          await takeBackWithin(transaction, { userId: user.id, email, since: proof.since, origin, told }, mail);
        const binding = bindingOf({ ...user, passwordHash });
        const request = { purpose: 'reset_password', userId: user.id, binding } as const;
        return links.revealWithin(transaction, await links.issueWithin(transaction, request));
      });
      return resetSecret === null ? DEAD_LINK : { ok: true, resetSecret };
    },
  };
}
