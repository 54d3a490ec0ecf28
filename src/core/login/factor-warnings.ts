// Tells an owner that somebody has the password and lacks the second factor: when codes are blocked, and when a log-in from
// a new browser has waited for one in vain. At most once a day, with the link "this wasn't me".
import type { User } from '../accounts/users.ts';
import { takeBackOfSessionWithin } from '../credentials/login-links.ts';
import type { TellOwner, WasToldLately } from '../mail/owner-mail.ts';
import type { Told } from '../mail/templates.ts';
import type { Transaction } from '../platform/database.ts';
import { otherWaitingWithin, WAITS_MS } from './pending-logins.ts';

const TEMPLATES = ['second-factor-left', 'second-factor-blocked'] as const;

export interface FactorWarningsOptions {
  readonly tellOwnerWithin: TellOwner;
  readonly wasToldLately: WasToldLately;
}

export type FactorWarnings = ReturnType<typeof createFactorWarnings>;

export function createFactorWarnings({ tellOwnerWithin, wasToldLately }: FactorWarningsOptions) {
  /** Written at once and due when the log-in has waited for too long: finishing it takes the mail back. */
  async function waitsWithin(transaction: Transaction, owner: User, waiting: Waiting): Promise<void> {
    const { id: waitingId, told, dueMs } = waiting;
    if (await wasToldLately(transaction, owner.id, TEMPLATES)) return;
    const letter = { owner, login: null, waitingId, dueMs, language: told.language, parameters: told.from };
    await tellOwnerWithin(transaction, { ...letter, template: 'second-factor-left' });
  }

  return {
    /** The caller holds the account's lock, so that two at once lead to one mail. */
    async begunWithin(transaction: Transaction, owner: User, id: string, told: Told): Promise<void> {
      await waitsWithin(transaction, owner, { id, told, dueMs: WAITS_MS });
    },

    /** Another log-in that waits from a new browser is told of in its place. */
    async finishedWithin(transaction: Transaction, owner: User, id: string): Promise<void> {
      await takeBackOfSessionWithin(transaction, owner.id, id);
      const other = await otherWaitingWithin(transaction, owner.id, id);
      if (other) await waitsWithin(transaction, owner, other);
    },

    async blockedWithin(transaction: Transaction, owner: User, told: Told): Promise<void> {
      if (await wasToldLately(transaction, owner.id, TEMPLATES)) return;
      const letter = { owner, login: null, language: told.language, parameters: told.from };
      await tellOwnerWithin(transaction, { ...letter, template: 'second-factor-blocked' });
    },
  };
}

interface Waiting {
  readonly id: string;
  readonly told: Told;
  readonly dueMs: number;
}
