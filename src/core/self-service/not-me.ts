// "This wasn't me": the link in the mail about a log-in from a new browser or network. Following it shows the log-in.
// The button there ends every session, forgets every known browser, removes second factors added since, and leads to a
// new password at once: whoever logged in knew the old one.
import { lockUserWithin } from '../accounts/users.ts';
import type { Origin } from '../audit/events.ts';
import { recordEvent } from '../audit/outbox.ts';
import { bindingOf, type OneTimeLinks } from '../credentials/one-time-links.ts';
import { removeNewerWithin } from '../factors/factor-removal.ts';
import type { Mail } from '../mail/outgoing-mail.ts';
import type { Told } from '../mail/templates.ts';
import type { Database } from '../platform/database.ts';
import { findOrigin } from '../sessions/session-table.ts';
import type { Sessions } from '../sessions/sessions.ts';
import type { KnownDevices } from '../throttle/known-devices.ts';
import type { Throttled } from '../throttle/refusals.ts';
import { DEAD_LINK, type DeadLink, type OpenLink } from './open-link.ts';

/** The log-in that a link is about. */
export interface UnknownLogin {
  readonly at: Date;
  readonly ip: string | null;
  readonly userAgent: string | null;
}

export interface NotMeOptions {
  readonly database: Database;
  readonly sessions: Sessions;
  readonly devices: KnownDevices;
  readonly links: OneTimeLinks;
  readonly openLink: OpenLink;
  readonly mail: Mail;
}

const PURPOSE = 'not_me';

export function createNotMe({
  database: { prisma, transact },
  sessions,
  devices,
  links,
  openLink,
  mail,
}: NotMeOptions) {
  const open = (secret: string, origin: Origin) =>
    openLink.openOfAccount({ purpose: PURPOSE, secret, origin }, (user, { sessionId, since, createdAt }) =>
      sessionId === null ? null : { user, sessionId, since: since ?? createdAt },
    );

  return {
    async look(secret: string, origin: Origin): Promise<{ ok: true; login: UnknownLogin } | DeadLink | Throttled> {
      const opened = await open(secret, origin);
      if (!opened.ok) return opened;
      const session = await findOrigin(prisma, opened.target.sessionId);
      if (!session) return DEAD_LINK;
      return { ok: true, login: { at: session.createdAt, ip: session.ip, userAgent: session.userAgent } };
    },

    /** Ends all sessions, since the log-in's may have been replaced. Returns the secret of a link to a new password. */
    async disown(
      secret: string,
      origin: Origin,
      told: Told,
    ): Promise<{ ok: true; resetSecret: string } | DeadLink | Throttled> {
      const opened = await open(secret, origin);
      if (!opened.ok) return opened;
      const { user, sessionId, since } = opened.target;
      const resetSecret = await transact(async (transaction) => {
        const account = await lockUserWithin(transaction, user.id);
        if (!account || !(await links.useWithin(transaction, PURPOSE, secret))) return null;
        const about = { actor: user.id, subject: user.id, session: sessionId, origin } as const;
        await recordEvent(transaction, { type: 'authn_login_disowned', outcome: 'success', ...about });
        await devices.forgetAllWithin(transaction, user.id, { actor: user.id, origin });
        const why = { reason: 'revoked', actor: user.id, origin } as const;
        await sessions.endWithin(transaction, { userId: user.id }, why);
        await removeNewerWithin(transaction, { userId: user.id, email: account.email, since, origin, told }, mail);
        const request = { purpose: 'reset_password', userId: user.id, binding: bindingOf(user) } as const;
        return links.revealWithin(transaction, await links.issueWithin(transaction, request));
      });
      return resetSecret === null ? DEAD_LINK : { ok: true, resetSecret };
    },
  };
}
