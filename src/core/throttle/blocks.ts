// Blocks as operators see and lift them. The worker keeps how many attempts each refused, and ends the records of
// those that ran out.
import type { Redis } from 'ioredis';
import { Prisma } from '../../generated/prisma/client.ts';
import { NO_ORIGIN, type Origin } from '../audit/events.ts';
import { recordEvent } from '../audit/outbox.ts';
import type { Database } from '../platform/database.ts';
import type { Log } from '../platform/log.ts';
import { keys, milliseconds } from '../platform/redis.ts';
import { type ListedBlock, listBlocks } from './listed-blocks.ts';
import type { Throttle } from './throttle.ts';

export type { ListedBlock };

/** Refusals are counted by ten minutes of Redis's clock; twenty minutes later none is added any more. */
const SETTLED_MS = 1_200_000;
/** Blocks ended in one transaction, each with its event. */
const ENDED_AT_ONCE = 500;

const RAN_OUT = Prisma.sql`ended_at IS NULL AND until_at < statement_timestamp() - interval '1 second'`;

/** Whether a block ran out whose record stands. */
export const BLOCK_RAN_OUT = Prisma.sql`EXISTS (SELECT FROM throttle_block WHERE ${RAN_OUT})`;

export interface BlocksOptions {
  readonly redis: Redis;
  readonly database: Database;
  readonly throttle: Throttle;
  readonly log: Log;
}

export function createBlocks({ redis, database: { pool, transact }, throttle, log }: BlocksOptions) {
  /** Ends the records of some blocks that ran out, with an event for each that refused anybody; returns how many. */
  async function endBlocks(): Promise<number> {
    return transact(async (transaction) => {
      const ended = await transaction.$queryRaw<
        { id: string; scope: string; user_id: string | null; ip: string | null; refused: bigint }[]
      >`UPDATE throttle_block SET ended_at = until_at, end_reason = 'expired'
         WHERE id = ANY (ARRAY(SELECT id FROM throttle_block WHERE ${RAN_OUT} LIMIT ${ENDED_AT_ONCE}))
           AND ended_at IS NULL
        RETURNING id, scope, user_id, host(ip) AS ip, refused`;
      for (const { id, scope, user_id, ip, refused } of ended.filter((block) => block.refused > 0n)) {
        const event = { type: 'throttle_block_ended', outcome: 'success', actor: null, subject: user_id } as const;
        const detail = { block: id, scope, refused: Number(refused) };
        await recordEvent(transaction, { ...event, origin: { ...NO_ORIGIN, ip }, detail });
      }
      return ended.length;
    });
  }

  return {
    /** Of one account or of all: active ones first, then past ones, each newest first. */
    list: (limit: number, userId: string | null = null): Promise<ListedBlock[]> => listBlocks(pool, limit, userId),

    /**
     * Ends an active block, and forgets the attempts that led to it. False if it has ended, or never was. If Redis is
     * away, the block stands there until it runs out.
     */
    async lift(
      id: string,
      { actor, reason, origin }: { actor: string | null; reason: string; origin: Origin },
    ): Promise<boolean> {
      const key = await transact(async (transaction) => {
        const [block] = await transaction.$queryRaw<{ key: string; scope: string; user_id: string | null }[]>`
          UPDATE throttle_block SET ended_at = clock_timestamp(), end_reason = 'lifted', lifted_by = ${actor}::uuid,
                                    lift_reason = ${reason}
           WHERE id = ${id}::uuid AND ended_at IS NULL AND until_at > clock_timestamp()
          RETURNING key, scope, user_id`;
        if (!block) return null;
        const event = { type: 'throttle_block_lifted', outcome: 'success', actor, subject: block.user_id } as const;
        await recordEvent(transaction, { ...event, origin, detail: { block: id, scope: block.scope, reason } });
        return block.key;
      });
      if (key === null) return false;
      await throttle.forget(key).catch((error: unknown) => log.warn({ err: error }, 'a lifted block stands in Redis'));
      return true;
    },

    /** Whether Redis has counted refusals lately. */
    haveRefused: async (): Promise<boolean> => (await redis.exists(keys.throttleRefused)) > 0,

    /** The worker's part. Done twice it changes nothing. */
    async fold(): Promise<void> {
      const [refused, time] = await Promise.all([redis.hgetall(keys.throttleRefused), redis.time()]);
      const now = milliseconds(time);
      const counts = Object.entries(refused).map(([field, count]) => {
        const [blockId = '', since = '0'] = field.split(':');
        return { field, blockId, since: Number(since), count: Number(count) };
      });
      if (counts.length > 0) {
        await pool.query({
          text: `WITH told AS (
                   INSERT INTO throttle_refusal AS known (block_id, since, attempts)
                   SELECT * FROM unnest($1::uuid[], $2::timestamptz[], $3::bigint[])
                   ON CONFLICT (block_id, since) DO UPDATE SET attempts = greatest(known.attempts, excluded.attempts))
                 SELECT 1`,
          values: [
            counts.map(({ blockId }) => blockId),
            counts.map(({ since }) => new Date(since)),
            counts.map(({ count }) => count),
          ],
        });
      }
      await pool.query(`UPDATE throttle_block b SET refused = s.refused
                          FROM (SELECT block_id, sum(attempts) AS refused FROM throttle_refusal
                                 WHERE since > statement_timestamp() - interval '1 day' GROUP BY block_id) s
                         WHERE b.id = s.block_id AND b.refused < s.refused`);
      const settled = counts.filter(({ since }) => since < now - SETTLED_MS);
      if (settled.length > 0) await redis.hdel(keys.throttleRefused, ...settled.map(({ field }) => field));
      for (let count = ENDED_AT_ONCE; count === ENDED_AT_ONCE; ) count = await endBlocks();
    },
  };
}
