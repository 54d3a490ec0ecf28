// Securing all accounts that a part of the log is about. An operator sees how many they are, and gives the order; from then on
// the order is a list in PostgreSQL, and each account of it is secured in a transaction of its own that takes it off the list.
// So a worker that dies in between goes on where it was, and no account is secured twice.
import { v7 as uuidv7 } from 'uuid';
import { Prisma } from '../../generated/prisma/client.ts';
import { type Actor, NO_ORIGIN } from '../audit/events.ts';
import { recordEvent } from '../audit/outbox.ts';
import { type AccountsOf, readAccountsOf, type Which } from '../audit/reading/accounts-of.ts';
import { described } from '../audit/reading/described.ts';
import type { AuditFilter } from '../audit/reading/query.ts';
import { type Database, isDatabaseOutage, nudgeAfterCommit } from '../platform/database.ts';
import type { Log } from '../platform/log.ts';
import type { SecureAccount } from './secure-account.ts';

/** Of one order. */
export const MOST_ACCOUNTS = 5_000;

/** Whether an order is not carried out yet. */
export const ORDER_WAITS = Prisma.sql`EXISTS (SELECT FROM securing_order WHERE done_at IS NULL)`;

export interface FoundAccount {
  readonly id: string;
  readonly email: string;
  readonly operator: boolean;
}

export type FoundAccounts =
  | { readonly ok: true; readonly accounts: readonly FoundAccount[] /** Left out. */; readonly own: boolean }
  | { readonly ok: false; readonly reason: Exclude<AccountsOf, { ok: true }>['reason'] | 'too_many_accounts' };

export interface Order {
  readonly accounts: readonly FoundAccount[];
  readonly filter: AuditFilter;
  readonly by: Actor;
}

export interface OrderProgress {
  readonly askedAt: Date;
  readonly actor: string | null;
  readonly reason: string;
  readonly accounts: number;
  readonly secured: number;
  /** Deleted before their turn. */
  readonly gone: number;
  /** Left as they were, for a fault of theirs alone. */
  readonly failed: number;
  readonly doneAt: Date | null;
}

export interface SecureManyOptions {
  readonly database: Database;
  readonly secureAccount: SecureAccount;
  readonly log: Log;
}

interface Pace {
  /** Leaves the rest to the next run. */
  readonly withinMs?: number;
  /** One order alone. */
  readonly orderId?: string;
  readonly onProgress?: (secured: number) => void;
}

interface OrderRecord {
  readonly id: string;
  readonly actor: string | null;
  readonly reason: string;
}

export function createSecureMany({ database: { pool, transact }, secureAccount, log }: SecureManyOptions) {
  /** Secures the next account of an order; false if none is left that nobody else has in hand. */
  async function secureNext({ id, actor, reason }: OrderRecord): Promise<boolean> {
    let userId: string | null = null;
    try {
      return await transact(async (transaction) => {
        const [next] = await transaction.$queryRaw<{ userId: string }[]>`
          SELECT user_id AS "userId" FROM securing_account WHERE order_id = ${id}::uuid AND done_at IS NULL
           ORDER BY user_id LIMIT 1 FOR UPDATE SKIP LOCKED`;
        if (!next) return false;
        userId = next.userId;
        const by = { actor, origin: NO_ORIGIN, reason };
        const { ok } = await secureAccount.secureWithin(transaction, { userId, by, order: id });
        await transaction.$executeRaw(ended(id, userId, ok ? 'secured' : 'gone'));
        return true;
      });
    } catch (error) {
      if (userId === null || isDatabaseOutage(error)) throw error;
      // One account that can't be secured must not keep the others from it.
      log.error({ err: error, userId, order: id }, 'an account of an order could not be secured');
      await pool.query(END_ONE, [id, userId, 'failed']);
      return true;
    }
  }

  /** Once nothing is left of it, not even what another transaction held. */
  async function finish({ id, actor, reason }: OrderRecord): Promise<void> {
    await transact(async (transaction) => {
      const done = await transaction.$executeRaw`
        UPDATE securing_order SET done_at = clock_timestamp()
         WHERE id = ${id}::uuid AND done_at IS NULL
           AND NOT EXISTS (SELECT FROM securing_account WHERE order_id = ${id}::uuid AND done_at IS NULL)`;
      if (done === 0) return;
      const rows = await transaction.$queryRaw<{ outcome: string; count: number }[]>`
        SELECT outcome, count(*)::int AS count FROM securing_account WHERE order_id = ${id}::uuid GROUP BY outcome`;
      const counts = Object.fromEntries(rows.map(({ outcome, count }) => [outcome, count]));
      const detail = { order: id, reason, secured: 0, ...counts };
      const about = { actor, subject: null, origin: NO_ORIGIN, detail };
      await recordEvent(transaction, { type: 'users_secured', outcome: 'success', ...about });
    });
  }

  return {
    /** The accounts that a part of the log is about, by address, but whoever asks. */
    async find(filter: AuditFilter, which: Which, own: string | null): Promise<FoundAccounts> {
      const found = await readAccountsOf(pool, filter, which);
      if (!found.ok) return found;
      if (found.ids.length > 2 * MOST_ACCOUNTS) return { ok: false, reason: 'too_many_accounts' };
      const { rows } = await pool.query<FoundAccount>(ACCOUNTS, [found.ids]);
      const accounts = rows.filter(({ id }) => id !== own);
      if (accounts.length > MOST_ACCOUNTS) return { ok: false, reason: 'too_many_accounts' };
      return { ok: true, accounts, own: accounts.length < rows.length };
    },

    /** Gives the order and returns its id. The worker begins at once. */
    async ask({ accounts, filter, by }: Order): Promise<string> {
      const { actor, session = null, origin, reason = '' } = by;
      return transact(async (transaction) => {
        const id = uuidv7();
        const ids = accounts.map((account) => account.id);
        await transaction.$executeRaw`
          INSERT INTO securing_order (id, actor_id, reason) VALUES (${id}::uuid, ${actor}::uuid, ${reason})`;
        await transaction.$executeRaw`
          INSERT INTO securing_account (order_id, user_id) SELECT ${id}::uuid, unnest(${ids}::uuid[])`;
        const detail = { order: id, reason, accounts: ids.length, filter: JSON.stringify(described(filter)) };
        const about = { actor, subject: null, session, origin, detail };
        await recordEvent(transaction, { type: 'users_secure_asked', outcome: 'success', ...about });
        nudgeAfterCommit(transaction, 'secure-accounts');
        return id;
      });
    },

    /** The worker's part, and the command's: secures what is left and returns how many. Several at once take different accounts. */
    async secureRemaining({ withinMs = Number.POSITIVE_INFINITY, orderId, onProgress }: Pace = {}): Promise<number> {
      const until = performance.now() + withinMs;
      const { rows: orders } = await pool.query<OrderRecord>(UNDONE, [orderId ?? null]);
      let secured = 0;
      for (const order of orders) {
        while (await secureNext(order)) {
          secured += 1;
          onProgress?.(secured);
          if (performance.now() > until) return secured;
        }
        await finish(order);
      }
      return secured;
    },

    async progress(orderId: string): Promise<OrderProgress | null> {
      const { rows } = await pool.query<OrderProgress>(PROGRESS, [orderId]);
      return rows[0] ?? null;
    },
  };
}

const ACCOUNTS = `
  SELECT id, email, role = 'operator' AS operator FROM user_account
   WHERE id = ANY ($1::uuid[]) AND deleted_at IS NULL ORDER BY email_key COLLATE "C"`;

const UNDONE = `
  SELECT id, actor_id AS actor, reason FROM securing_order
   WHERE done_at IS NULL AND ($1::uuid IS NULL OR id = $1) ORDER BY asked_at, id`;

const END_ONE = `
  UPDATE securing_account SET done_at = clock_timestamp(), outcome = $3
   WHERE order_id = $1 AND user_id = $2 AND done_at IS NULL`;

function ended(orderId: string, userId: string, outcome: 'secured' | 'gone'): Prisma.Sql {
  return Prisma.sql`
    UPDATE securing_account SET done_at = clock_timestamp(), outcome = ${outcome}
     WHERE order_id = ${orderId}::uuid AND user_id = ${userId}::uuid`;
}

const PROGRESS = `
  SELECT o.asked_at AS "askedAt", o.actor_id AS actor, o.reason, o.done_at AS "doneAt", count(*)::int AS accounts,
         count(*) FILTER (WHERE outcome = 'secured')::int AS secured, count(*) FILTER (WHERE outcome = 'gone')::int AS gone,
         count(*) FILTER (WHERE outcome = 'failed')::int AS failed
    FROM securing_order AS o JOIN securing_account AS a ON a.order_id = o.id
   WHERE o.id = $1 GROUP BY o.id`;

/** Deletes at most `limit` orders that were done a month ago, with their lists; returns how many. */
export async function deleteOldOrders(transaction: Prisma.TransactionClient, limit: number): Promise<number> {
  return transaction.$executeRaw`
    DELETE FROM securing_order WHERE id = ANY (ARRAY(
      SELECT id FROM securing_order WHERE done_at < statement_timestamp() - interval '30 days' LIMIT ${limit}))`;
}
