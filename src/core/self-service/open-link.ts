// Opening a one-time link to see what it is for: throttled by client, a dead one recorded, a good one costs nothing.
// Opening uses nothing up: mail scanners follow links.
import type { User, Users } from '../accounts/users.ts';
import type { AuditEventType, Origin } from '../audit/events.ts';
import {
  isBoundTo,
  isBoundToAddress,
  type LinkPurpose,
  type OneTimeLink,
  type OneTimeLinks,
} from '../credentials/one-time-links.ts';
import type { Refusals, Throttled } from '../throttle/refusals.ts';
import type { Throttle } from '../throttle/throttle.ts';

/** Used, replaced, expired, of another purpose, made up, or bound to what the account no longer is: one answer for all. */
export interface DeadLink {
  readonly ok: false;
  readonly reason: 'dead_link';
}

export const DEAD_LINK: DeadLink = { ok: false, reason: 'dead_link' };

const FAILURES: Readonly<Record<LinkPurpose, AuditEventType>> = {
  reset_password: 'authn_password_reset_fail',
  confirm_registration: 'user_confirm_fail',
  invitation: 'user_confirm_fail',
  change_email: 'user_email_change_fail',
  undo_email_change: 'user_email_change_fail',
  not_me: 'authn_login_disowned',
};

export interface LinkTried {
  readonly purpose: LinkPurpose;
  /** Empty where somebody opened the page without a link. */
  readonly secret: string;
  readonly origin: Origin;
}

type Opened<T> = { readonly ok: true; readonly target: T } | DeadLink | Throttled;

export interface OpenLinkOptions {
  readonly users: Users;
  readonly throttle: Throttle;
  readonly refusals: Refusals;
  readonly links: OneTimeLinks;
}

export type OpenLink = ReturnType<typeof createOpenLink>;

export function createOpenLink({ users, throttle, refusals, links }: OpenLinkOptions) {
  /** What a link leads to. `follow` gives null where the link no longer counts. */
  async function open<T>(
    { purpose, secret, origin }: LinkTried,
    follow: (link: OneTimeLink) => Promise<T | null>,
  ): Promise<Opened<T>> {
    if (secret === '') return DEAD_LINK;
    const about = { subject: null, origin };
    return refusals.attempt<Opened<T>>(throttle.takeToken(origin.ip), about, async (tried) => {
      const link = await links.find(purpose, secret);
      const target = link && (await follow(link));
      if (target !== null) return { ok: true, target };
      const type = FAILURES[purpose];
      const detail = { reason: 'dead_link' };
      await tried.record({ type, outcome: 'failure', actor: null, ...about, detail });
      return DEAD_LINK;
    });
  }

  return {
    open,

    /**
     * Only while the account may log in. A link that undoes a change of address counts whatever the account has become; one
     * that disowns a log-in, while the address is the same; any other, while password and address are what they were.
     */
    openOfAccount<T>(tried: LinkTried, follow: (user: User, link: OneTimeLink) => T | null): Promise<Opened<T>> {
      return open(tried, async (link) => {
        const user = link.userId ? await users.find(link.userId) : null;
        if (!user || user.disabledAt) return null;
        return counts(tried.purpose, link, user) ? follow(user, link) : null;
      });
    },
  };
}

function counts(purpose: LinkPurpose, link: OneTimeLink, user: User): boolean {
  if (purpose === 'undo_email_change') return true;
  return purpose === 'not_me' ? isBoundToAddress(link, user) : isBoundTo(link, user);
}
