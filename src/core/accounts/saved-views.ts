// Filters of the console's lists that an operator keeps under names. Whoever has the id of one may open it; only its owner
// renames or removes it, and it goes with their account. It changes nothing of anybody, so it leaves no event.
import QuickLRU from 'quick-lru';
import { v7 as uuidv7 } from 'uuid';
import type { Database, Transaction } from '../platform/database.ts';

/** Of one person and list. */
const MOST_VIEWS = 50;
/** Lists ask again and again, so each process remembers somebody's views for so long. */
const REMEMBERED = { maxAge: 10_000, maxSize: 1_000 };

/** The parts of a filter, as a page writes them into its address. */
export type AskedParts = Readonly<Record<string, string>>;

export interface SavedView {
  readonly id: string;
  readonly list: string;
  readonly name: string;
  readonly asked: AskedParts;
  readonly createdAt: Date;
}

export interface SharedView extends SavedView {
  readonly userId: string;
  readonly email: string;
}

export interface NewView {
  readonly userId: string;
  readonly list: string;
  readonly name: string;
  readonly asked: AskedParts;
}

export type ViewSaved =
  | { readonly ok: true; readonly id: string }
  | { readonly ok: false; readonly reason: 'name_taken' | 'too_many' };

export function createSavedViews({ database: { prisma, pool } }: { database: Pick<Database, 'prisma' | 'pool'> }) {
  const remembered = new QuickLRU<string, readonly SavedView[]>(REMEMBERED);

  async function list(userId: string): Promise<readonly SavedView[]> {
    const { rows } = await pool.query<SavedView>(
      `SELECT id, list, name, asked, created_at AS "createdAt" FROM saved_view WHERE user_id = $1 ORDER BY list, name`,
      [userId],
    );
    remembered.set(userId, rows);
    return rows;
  }

  return {
    /** Somebody's own, by list and name. */
    list,

    /** The same, perhaps as another process left them up to ten seconds ago. */
    recent: async (userId: string): Promise<readonly SavedView[]> => remembered.get(userId) ?? list(userId),

    /** Anybody's; null where there is none, or its owner's account is deleted. */
    async find(id: string): Promise<SharedView | null> {
      const { rows } = await pool.query<SharedView>(
        `SELECT v.id, v.list, v.name, v.asked, v.created_at AS "createdAt", v.user_id AS "userId", u.email
           FROM saved_view AS v JOIN user_account AS u ON u.id = v.user_id WHERE v.id = $1 AND u.deleted_at IS NULL`,
        [id],
      );
      return rows[0] ?? null;
    },

    /** A name is one view's, in each list. */
    async save({ userId, list, name, asked }: NewView): Promise<ViewSaved> {
      const { rows } = await pool.query<{ taken: boolean; made: string | null }>(
        `WITH made AS (
           INSERT INTO saved_view (id, user_id, list, name, asked)
           SELECT $1, $2, $3, $4, $5 WHERE (SELECT count(*) FROM saved_view WHERE user_id = $2 AND list = $3) < ${MOST_VIEWS}
           ON CONFLICT (user_id, list, name) DO NOTHING RETURNING id)
         SELECT (SELECT id FROM made) AS made,
                EXISTS (SELECT FROM saved_view WHERE user_id = $2 AND list = $3 AND name = $4) AS taken`,
        [uuidv7(), userId, list, name, JSON.stringify(asked)],
      );
      remembered.delete(userId);
      const [{ made, taken } = { made: null, taken: false }] = rows;
      return made === null ? { ok: false, reason: taken ? 'name_taken' : 'too_many' } : { ok: true, id: made };
    },

    async rename(id: string, userId: string, name: string): Promise<'renamed' | 'name_taken' | 'gone'> {
      const { rows } = await pool.query<{ own: boolean; taken: boolean }>(
        `WITH own AS (SELECT id, list FROM saved_view WHERE id = $1 AND user_id = $2),
              other AS (SELECT FROM saved_view AS v, own WHERE v.user_id = $2 AND v.list = own.list AND v.name = $3 AND v.id <> $1),
              renamed AS (UPDATE saved_view SET name = $3 WHERE id IN (SELECT id FROM own) AND NOT EXISTS (SELECT FROM other))
         SELECT EXISTS (SELECT FROM own) AS own, EXISTS (SELECT FROM other) AS taken`,
        [id, userId, name],
      );
      remembered.delete(userId);
      const [{ own, taken } = { own: false, taken: false }] = rows;
      if (!own) return 'gone';
      return taken ? 'name_taken' : 'renamed';
    },

    /** False where it was gone, or is somebody else's. */
    async remove(id: string, userId: string): Promise<boolean> {
      const { count } = await prisma.savedView.deleteMany({ where: { id, userId } });
      remembered.delete(userId);
      return count > 0;
    },
  };
}

/** For their owner's data: not what they ask for, which is of other people. */
export function readViewsOf(transaction: Transaction, userId: string) {
  const select = { id: true, list: true, name: true, createdAt: true };
  return transaction.savedView.findMany({ where: { userId }, orderBy: { createdAt: 'asc' }, select });
}
