// Taking an address back, for a week, from the mailbox that had the account before: whoever changed it may know the
// password, so that is replaced, and a link to a new one goes to the old address. API tokens of the account are revoked.
import { revokeTokensWithin } from '../accounts/token-rows.ts';
import { recordEvent } from '../audit/outbox.ts';
import { takeBackLaterWithin, takeBackNotMeWithin } from '../credentials/login-links.ts';
import type { OneTimeLinks } from '../credentials/one-time-links.ts';
import type { Passwords } from '../credentials/passwords.ts';
import { newToken } from '../credentials/random-token.ts';
import { takeBackWithin } from '../factors/taken-back.ts';
import type { Mail } from '../mail/outgoing-mail.ts';
import type { Told } from '../mail/templates.ts';
import { emailKey } from '../platform/email-address.ts';
import type { KnownDevices } from '../throttle/known-devices.ts';
import type { Throttled } from '../throttle/refusals.ts';
import { type EmailMove, emailEvent } from './email-move.ts';
import type { Holder } from './not-me.ts';
import { DEAD_LINK, type DeadLink } from './open-link.ts';
import type { FactorsSince, OwnerProof, OwnerProofs } from './owner-proof.ts';
import type { ResetLinks } from './reset-links.ts';

const PURPOSE = 'undo_email_change';

export type UndoneChange =
  | { readonly ok: true; readonly email: string }
  | (Extract<OwnerProof, { reason: 'wrong_password' }> & { readonly email: string })
  | DeadLink
  | Throttled;

export interface EmailUndoOptions {
  readonly passwords: Passwords;
  readonly devices: KnownDevices;
  readonly links: OneTimeLinks;
  readonly emailMove: EmailMove;
  readonly ownerProofs: OwnerProofs;
  readonly mail: Mail;
  readonly resetLinks: ResetLinks;
}

export function createEmailUndo({
  passwords,
  devices,
  links,
  emailMove,
  ownerProofs,
  mail,
  resetLinks,
}: EmailUndoOptions) {
  return {
    async look({
      secret,
      origin,
      deviceCookie,
    }: Holder): Promise<{ ok: true; email: string; factors: FactorsSince } | DeadLink | Throttled> {
      const opened = await emailMove.open(PURPOSE, secret, origin);
      if (!opened.ok) return opened;
      const { user, email, linkId } = opened.target;
      return { ok: true, email, factors: await ownerProofs.look({ userId: user.id, email, linkId, deviceCookie }) };
    },

    /**
     * The old address counts again. Second factors go too, where the owner has shown to be one. Links of the same mailbox
     * and later ones count no more; an older one to take an address back stays its owner's.
     */
    async undo({ secret, origin, deviceCookie }: Holder, password: string, told: Told): Promise<UndoneChange> {
      const opened = await emailMove.open(PURPOSE, secret, origin);
      if (!opened.ok) return opened;
      const { user, email, linkId } = opened.target;
      const proof = await ownerProofs.prove({ userId: user.id, email, linkId, deviceCookie }, password, origin);
      if (!proof.ok) return proof.reason === 'throttled' ? proof : { ...proof, email };
      const passwordHash = await passwords.hash(newToken(), { account: user.email, ip: origin.ip });
      const move = { secret, email, origin, passwordHash };
      const moved = await emailMove.move(PURPOSE, user, move, async (transaction) => {
        await links.takeBackWithin(transaction, user.id, ['change_email', 'reset_password']);
        await takeBackLaterWithin(transaction, { userId: user.id, linkId });
        await takeBackNotMeWithin(transaction, user.id, emailKey(email));
        await devices.forgetAllWithin(transaction, user.id, { actor: user.id, origin });
        await revokeTokensWithin(transaction, user.id, { actor: user.id, origin, reason: 'email_change_undone' });
        const { since } = proof;
        if (since) await takeBackWithin(transaction, { userId: user.id, email, since, origin, told }, mail);
        await resetLinks.mailWithin(transaction, { ...user, email, emailKey: emailKey(email), passwordHash }, told);
        await recordEvent(transaction, emailEvent('user_email_change_undone', user.id, origin));
      });
      return moved ? { ok: true, email } : DEAD_LINK;
    },
  };
}
