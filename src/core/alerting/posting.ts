// The webhook of alerts: each message as JSON, signed as Standard Webhooks describe, at least once. What the receiver does not
// take waits in PostgreSQL and is tried again, for a week.
import { Prisma } from '../../generated/prisma/client.ts';
import { NO_ORIGIN } from '../audit/events.ts';
import { recordEvent } from '../audit/outbox.ts';
import type { Database, Transaction } from '../platform/database.ts';
import type { Log } from '../platform/log.ts';
import { waitAfter } from '../shipping/drain.ts';
import { errorOf, type Receiver } from '../shipping/receivers/receiver.ts';

/** Longer than the receiver may take to answer. */
const TAKEN_MS = 60_000;
const LONGEST_WAIT_MS = 3_600_000;
const GIVE_UP_MS = 7 * 86_400_000;
/** In one job, so that a worker can stop. */
const MOST = 100;
const LONGEST_ERROR = 300;

/** One whose turn lies further ahead than any wait was written by another clock. */
const DUE = Prisma.sql`
  ended_at IS NULL AND (due_at <= clock_timestamp()
                        OR due_at > clock_timestamp() + ${2 * LONGEST_WAIT_MS} * interval '1 millisecond')`;

/** Whether any is due. */
export const POST_IS_DUE = Prisma.sql`EXISTS (SELECT FROM alert_post WHERE ${DUE})`;

interface TakenPost {
  readonly id: string;
  readonly rule: string;
  readonly body: string;
  readonly attempts: number;
  readonly ageMs: number;
}

export interface PostingOptions {
  readonly database: Pick<Database, 'transact' | 'prisma'>;
  /** Null: this process posts nothing. */
  readonly receiver: Pick<Receiver, 'send'> | null;
  readonly log: Pick<Log, 'info' | 'warn'>;
  /** From 0 to 1, for the jitter. */
  readonly random?: () => number;
}

export function createPosting({ database, receiver, log, random = Math.random }: PostingOptions) {
  const { prisma, transact } = database;

  async function refused({ id, rule, attempts, ageMs }: TakenPost, error: unknown): Promise<void> {
    const { message, retryAfterMs } = errorOf(error);
    const said = message.slice(0, LONGEST_ERROR);
    if (attempts === 1) log.warn({ rule, error: said }, 'an alert was not taken by the webhook: it is tried again');
    if (ageMs < GIVE_UP_MS) {
      const waitMs = Math.max(waitAfter(attempts, random()), retryAfterMs);
      await prisma.$executeRaw`
        UPDATE alert_post SET last_error = ${said}, due_at = clock_timestamp() + ${waitMs} * interval '1 millisecond'
         WHERE id = ${id}::uuid AND attempts = ${attempts} AND ended_at IS NULL`;
      return;
    }
    await transact(async (transaction) => {
      const ended = await transaction.$executeRaw`
        UPDATE alert_post SET last_error = ${said}, ended_at = clock_timestamp(), outcome = 'failed'
         WHERE id = ${id}::uuid AND attempts = ${attempts} AND ended_at IS NULL`;
      const about = { actor: null, subject: null, origin: NO_ORIGIN, detail: { rule, attempts } };
      if (ended > 0) await recordEvent(transaction, { type: 'sys_alert_failed', outcome: 'failure', ...about });
    });
  }

  /** Whether the receiver took it. */
  async function attempt(post: TakenPost, to: Pick<Receiver, 'send'>): Promise<boolean> {
    try {
      await to.send({ id: `alert_${post.id}`, bytes: Buffer.from(post.body) }, new AbortController().signal);
    } catch (error) {
      await refused(post, error);
      return false;
    }
    await prisma.$executeRaw`
      UPDATE alert_post SET ended_at = clock_timestamp(), outcome = 'sent', last_error = NULL
       WHERE id = ${post.id}::uuid AND ended_at IS NULL`;
    if (post.attempts > 1) log.info({ rule: post.rule, after: post.attempts }, 'an alert was taken by the webhook');
    return true;
  }

  return {
    /** Posts what is due, the oldest first, until one is not taken. Returns how many were. */
    async postDue(): Promise<number> {
      for (let sent = 0; receiver !== null && sent < MOST; sent += 1) {
        const [post] = await take(prisma);
        if (!post || !(await attempt(post, receiver))) return sent;
      }
      return receiver === null ? 0 : MOST;
    },
  };
}

/** Out of every other worker's reach for a minute. */
function take(client: Pick<Transaction, '$queryRaw'>): Promise<TakenPost[]> {
  return client.$queryRaw`
    UPDATE alert_post SET attempts = attempts + 1, due_at = clock_timestamp() + ${TAKEN_MS} * interval '1 millisecond'
     WHERE id = (SELECT id FROM alert_post WHERE ${DUE} ORDER BY created_at LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING id, rule, body, attempts, (extract(epoch FROM clock_timestamp() - created_at) * 1000)::float8 AS "ageMs"`;
}
