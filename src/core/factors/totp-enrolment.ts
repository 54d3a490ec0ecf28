// Setting up an authenticator app. Until its first right code nothing is kept: the secret travels
// encrypted in the form.
import type { Purpose, SecretBox } from '../credentials/secret-box.ts';
import type { Database } from '../platform/database.ts';
import { momentWithin } from '../sessions/session-rows.ts';
import type { AddAndRemove, AddResult, RemoveResult } from './add-and-remove.ts';
import type { Changer } from './factor-change.ts';
import { totpPurpose } from './second-factors.ts';

const SET_UP_MS = 60 * 60_000;

export interface TotpEnrolmentOptions extends AddAndRemove {
  readonly database: Database;
  readonly secretBox: SecretBox;
}

export function createTotpEnrolment({ database: { prisma, clock }, secretBox, add, remove }: TotpEnrolmentOptions) {
  const purpose = ({ userId, sessionId }: Changer): Purpose => ({
    purpose: 'totp set-up',
    owner: `${userId} ${sessionId}`,
  });

  /** The secret that a form brings back; null if it is too old, or of another session. */
  function readTotp(changer: Changer, sealed: string): string | null {
    const opened = secretBox.decrypt(Buffer.from(sealed.slice(0, 1_000), 'base64url'), purpose(changer));
    if (!opened) return null;
    const { secret, until } = JSON.parse(opened.text) as { secret: string; until: number };
    return until > clock.now().getTime() ? secret : null;
  }

  return {
    readTotp,

    /** The secret, and the same encrypted for the form that brings the first code. */
    async beginTotp(changer: Changer): Promise<{ secret: string; sealed: string }> {
      const { newTotpSecret } = await import('./totp.ts');
      const secret = newTotpSecret();
      const text = JSON.stringify({ secret, until: clock.now().getTime() + SET_UP_MS });
      return { secret, sealed: secretBox.encrypt(text, purpose(changer)).toString('base64url') };
    },

    async addTotp(changer: Changer, { sealed, code }: { sealed: string; code: string }): Promise<AddResult> {
      const secret = readTotp(changer, sealed);
      if (secret === null) return { ok: false, reason: 'expired' };
      const [row] = await prisma.$queryRaw<{ now: number }[]>`
        SELECT extract(epoch FROM clock_timestamp())::float8 AS now`;
      const { checkTotp } = await import('./totp.ts');
      const checked = checkTotp(secret, code, { now: Math.floor(row?.now ?? 0), lastStep: 0 });
      if (!checked.ok) return { ok: false, reason: checked.reason === 'late' ? 'late' : 'wrong' };
      const { userId } = changer;
      const kept = new Uint8Array(secretBox.encrypt(secret, totpPurpose(userId)));
      return add(changer, { factor: 'totp' }, async (transaction, { loggedInAt }) => {
        const createdAt = await momentWithin(transaction, userId);
        const data = { userId, secret: kept, lastStep: checked.step, createdAt, loggedInAt };
        await transaction.totp.create({ data });
        return null;
      });
    },

    removeTotp: (changer: Changer): Promise<RemoveResult> =>
      remove(changer, { factor: 'totp' }, (transaction) =>
        transaction.totp.deleteMany({ where: { userId: changer.userId } }),
      ),
  };
}
