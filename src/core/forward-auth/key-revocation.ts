// Assertion keys as operators see them, and how they take one away: its row goes, and with it what it signed. The next one signs
// in its place. Web processes make what is missing then, as at the first start.
import type { Actor } from '../audit/events.ts';
import { raiseApplicationVersionWithin } from '../groups/application-version.ts';
import type { Database } from '../platform/database.ts';
import { promote, recordKey } from './assertion-keys.ts';

export interface ListedKey {
  readonly kid: string;
  readonly state: string;
  readonly createdAt: Date;
  /** Since when it signs, and since when no more. */
  readonly currentSince: Date | null;
  readonly retiredAt: Date | null;
}

export function createKeyRevocation({ prisma, transact }: Pick<Database, 'prisma' | 'transact'>) {
  return {
    /** The newest first. */
    list: (): Promise<readonly ListedKey[]> =>
      prisma.assertionKey.findMany({
        select: { kid: true, state: true, createdAt: true, currentSince: true, retiredAt: true },
        orderBy: [{ createdAt: 'desc' }, { kid: 'desc' }],
      }),

    /** One key, or all of them. Every process hears of it within a second. Returns those that were taken away. */
    revoke: (which: { readonly kid: string } | 'all', by: Actor): Promise<readonly string[]> =>
      transact<readonly string[]>(async (transaction, rollback) => {
        await raiseApplicationVersionWithin(transaction);
        const rows = await transaction.assertionKey.findMany({ select: { kid: true, state: true } });
        const gone = rows.filter(({ kid }) => which === 'all' || kid === which.kid);
        const kids = gone.map(({ kid }) => kid);
        if (kids.length === 0) return rollback([]);
        await transaction.assertionKey.deleteMany({ where: { kid: { in: kids } } });
        for (const kid of kids) await recordKey(transaction, kid, 'revoked', by);
        const next = rows.find(({ kid, state }) => state === 'next' && !kids.includes(kid));
        if (next && gone.some(({ state }) => state === 'current')) await promote(transaction, next.kid);
        return kids;
      }),
  };
}
