// A log-in from a new browser or network is told to its owner by mail, with a link for "this wasn't me". Following it shows
// what happened; the button there ends every session, forgets every known browser, takes back the second factors that were added
// since, and leads to a new password at once: whoever reads the mailbox may choose it, and whoever logged in knew the old one.
import type { User, Users } from '../accounts/users.ts';
import type { Origin } from '../audit/events.ts';
import { recordEvent } from '../audit/outbox.ts';
import { bindingOf, isBoundTo, type OneTimeLinks } from '../credentials/one-time-links.ts';
import { lockWithin, Refused, removeNewerWithin } from '../factors/factor-change.ts';
import type { Mail } from '../mail/outgoing-mail.ts';
import type { Told } from '../mail/templates.ts';
import type { Database, Transaction } from '../platform/database.ts';
import type { Sessions } from '../sessions/sessions.ts';
import type { KnownDevices } from '../throttle/known-devices.ts';
import { type Refusals, settled, type Throttled } from '../throttle/refusals.ts';
import type { Throttle } from '../throttle/throttle.ts';
import type { DeadLink } from './password-reset.ts';

/** The log-in that a link is about. */
export interface UnknownLogin {
  readonly at: Date;
  readonly ip: string | null;
  readonly userAgent: string | null;
}

export interface NotMeOptions {
  readonly database: Database;
  readonly users: Users;
  readonly sessions: Sessions;
  readonly devices: KnownDevices;
  readonly throttle: Throttle;
  readonly refusals: Refusals;
  readonly links: OneTimeLinks;
  readonly mail: Mail;
}

interface Opened {
  readonly ok: true;
  readonly user: User;
  readonly sessionId: string;
  /** When the log-in was. */
  readonly since: Date;
}

export type NotMe = ReturnType<typeof createNotMe>;

const PURPOSE = 'not_me';
const DEAD: DeadLink = { ok: false, reason: 'dead_link' };

export function createNotMe({
  database: { prisma, transact },
  users,
  sessions,
  devices,
  throttle,
  refusals: { recordBlocks, refuse },
  links,
  mail,
}: NotMeOptions) {
  async function find(secret: string): Promise<Opened | DeadLink> {
    const link = await links.find(PURPOSE, secret);
    const user = link?.userId ? await users.find(link.userId) : null;
    if (!link?.sessionId || !user || user.disabledAt || !isBoundTo(link, user)) return DEAD;
    return { ok: true, user, sessionId: link.sessionId, since: link.createdAt };
  }

  /** A link that is tried, throttled: one that leads nowhere is recorded, a good one costs nothing. */
  async function open(secret: string, origin: Origin): Promise<Opened | DeadLink | Throttled> {
    if (secret === '') return DEAD; // somebody opened the page without a link
    const taken = await throttle.takeToken(origin.ip);
    if (!taken.ok) return refuse(taken, null, origin);
    return settled(taken, async () => {
      const found = await find(secret);
      if (found.ok) return found;
      await transact(async (transaction) => {
        const about = { actor: null, subject: null, origin, detail: { reason: 'dead_link' } };
        await recordEvent(transaction, { type: 'authn_login_disowned', outcome: 'failure', ...about });
        await recordBlocks(transaction, taken.blocks, null, origin);
      });
      return found;
    });
  }

  return {
    /** The log-in that a link is about; looking changes nothing. */
    async look(secret: string, origin: Origin): Promise<{ ok: true; login: UnknownLogin } | DeadLink | Throttled> {
      const opened = await open(secret, origin);
      if (!opened.ok) return opened;
      const session = await prisma.session.findUnique({
        where: { id: opened.sessionId },
        select: { createdAt: true, ip: true, userAgent: true },
      });
      if (!session) return DEAD;
      return { ok: true, login: { at: session.createdAt, ip: session.ip, userAgent: session.userAgent } };
    },

    /**
     * Ends every session (that of the log-in may have been replaced since), forgets the browsers and takes back newer second
     * factors. Returns the secret of a link to a new password, used at once.
     */
    async disown(
      secret: string,
      origin: Origin,
      told: Told,
    ): Promise<{ ok: true; resetSecret: string } | DeadLink | Throttled> {
      const opened = await open(secret, origin);
      if (!opened.ok) return opened;
      const { user, sessionId, since } = opened;
      const work = async (transaction: Transaction): Promise<string | null> => {
        const { email } = await lockWithin(transaction, user.id);
        if (!(await links.useWithin(transaction, PURPOSE, secret))) return null;
        const about = { actor: user.id, subject: user.id, session: sessionId, origin } as const;
        await recordEvent(transaction, { type: 'authn_login_disowned', outcome: 'success', ...about });
        await devices.forgetAllWithin(transaction, user.id, { actor: user.id, origin });
        const why = { reason: 'revoked', actor: user.id, origin } as const;
        await sessions.endWithin(transaction, { userId: user.id }, why);
        await removeNewerWithin(transaction, { userId: user.id, email, since, origin, told }, mail);
        const request = { purpose: 'reset_password', userId: user.id, binding: bindingOf(user) } as const;
        return links.revealWithin(transaction, await links.issueWithin(transaction, request));
      };
      const resetSecret = await transact(work).catch((error: unknown) => {
        if (error instanceof Refused) return null; // deleted meanwhile
        throw error;
      });
      return resetSecret === null ? DEAD : { ok: true, resetSecret };
    },
  };
}
