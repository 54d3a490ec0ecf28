// The mail that is due, in its table. Taking a mail moves it out of every other worker's reach for
// a minute and a half, longer than any delivery may take.
import { Prisma } from '../../generated/prisma/client.ts';
import type { Transaction } from '../platform/database.ts';
import { DELIVERY_TIMEOUT_MS } from './transport.ts';

const TAKEN_MS = 2 * DELIVERY_TIMEOUT_MS;

interface Retry {
  readonly first: number;
  readonly longest: number;
}

/** No mail is written to wait for longer before it is tried first. */
const LONGEST_WAIT_MS = 10 * 60_000;

export const OUTAGE_RETRY_MS: Retry = { first: 5_000, longest: 60_000 };
export const DEFERRED_RETRY_MS: Retry = { first: 60_000, longest: 30 * 60_000 };
/** A wait is up to this much shorter or longer, so that what failed together is not tried together. */
const SPREAD = 0.25;

/**
 * A mail whose turn lies further ahead than its attempts explain was written by another clock, or PostgreSQL's went back:
 * it is due. So is one that was never tried, unless it was written to wait. Twice the time that a mail is taken for, so
 * that a small step sends none twice.
 */
const DUE = Prisma.sql`
  (attempts = 0 AND (due_at < created_at + interval '1 second'
                     OR due_at > clock_timestamp() + ${2 * LONGEST_WAIT_MS} * interval '1 millisecond')
   OR due_at <= clock_timestamp()
   OR attempts > 0 AND due_at > clock_timestamp() + interval '1 millisecond' * greatest(${2 * TAKEN_MS}::float8,
        ${1 + SPREAD}::float8 * least(${DEFERRED_RETRY_MS.longest}::float8,
                                      ${DEFERRED_RETRY_MS.first}::float8 * power(2, least(attempts, 20) - 1))))`;

/** Whether any is due. */
export const MAIL_IS_DUE = Prisma.sql`EXISTS (SELECT FROM mail WHERE ended_at IS NULL AND ${DUE})`;

export interface TakenMail {
  readonly id: string;
  readonly recipient: string;
  readonly userId: string | null;
  readonly template: string;
  readonly parameters: unknown;
  readonly language: string;
  readonly tokenId: string | null;
  readonly attempts: number;
  readonly ageMs: number;
}

/** The one that has waited longest; null where none is due. */
export async function takeDue(transaction: Transaction): Promise<TakenMail | null> {
  const [mail] = await transaction.$queryRaw<TakenMail[]>`
    UPDATE mail SET attempts = attempts + 1, due_at = clock_timestamp() + ${TAKEN_MS} * interval '1 millisecond'
     WHERE id = (SELECT id FROM mail WHERE ended_at IS NULL AND ${DUE}
                  ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING id, recipient, user_id AS "userId", template, parameters, token_id AS "tokenId", attempts,
              coalesce((SELECT a.language FROM user_account AS a WHERE a.id = mail.user_id), language) AS language,
              (extract(epoch FROM clock_timestamp() - created_at) * 1000)::float8 AS "ageMs"`;
  return mail ?? null;
}

/** False where another worker has taken the mail meanwhile. */
export async function endMail(
  transaction: Transaction,
  { id, attempts }: TakenMail,
  outcome: 'sent' | 'failed' | 'dropped',
  error: string | null,
): Promise<boolean> {
  const ended = await transaction.$executeRaw`
    UPDATE mail SET ended_at = clock_timestamp(), outcome = ${outcome}, last_error = ${error}
     WHERE id = ${id}::uuid AND attempts = ${attempts} AND ended_at IS NULL`;
  return ended > 0;
}

/** Puts a mail off, for twice as long each time. */
export async function putOff(
  transaction: Transaction,
  { id, attempts }: TakenMail,
  error: string,
  { first, longest }: Retry,
): Promise<void> {
  const waitMs = Math.min(longest, first * 2 ** Math.min(20, attempts - 1)) * (1 + SPREAD * (2 * Math.random() - 1));
  await transaction.$executeRaw`
    UPDATE mail SET due_at = clock_timestamp() + ${waitMs} * interval '1 millisecond', last_error = ${error}
     WHERE id = ${id}::uuid AND attempts = ${attempts} AND ended_at IS NULL`;
}
