// Fills the log with made-up events, chained by the code with which the worker seals. Made-up
// events spoil a log that proves what happened: each run is recorded, each event says that it is
// made up, and a log in use is filled only if that is asked for twice.
import { randomInt } from 'node:crypto';
import type pg from 'pg';
import { appendEvents, chainEvents, countEvents, type LockedHead, lockHead, moveHead } from '../audit/append.ts';
import { type Detail, NO_ORIGIN, type Origin } from '../audit/events.ts';
import { recordEvent } from '../audit/outbox.ts';
import type { Sealing } from '../audit/sealing.ts';
import type { Passwords } from '../credentials/passwords.ts';
import { newToken } from '../credentials/random-token.ts';
import type { Database } from '../platform/database.ts';
import { inTransaction } from '../platform/postgres/connection.ts';
import { insertNotes } from '../throttle/sealed-attempts.ts';
import { isInUse } from './in-use.ts';
import { makeUp } from './made-up-events.ts';
import { createRandom, type Person } from './made-up-people.ts';
import type { MadeUp } from './made-up-requests.ts';

const BATCH = 5_000;
const PEOPLE_A_BATCH = 5_000;
const MONTH_MS = 30.5 * 86_400_000;

export interface SeedOptions {
  readonly events: number;
  readonly people: number;
  readonly months: number;
  /** Also where people have done something already. */
  readonly intoUsedLog: boolean;
  /** Who asked for it, and why. */
  readonly origin?: Origin;
  /** Ends it after the batch that is under way. */
  readonly stopped?: AbortSignal;
}

export type SeedResult =
  | { readonly ok: true; readonly events: number; readonly firstSeq: number; readonly lastSeq: number }
  | { readonly ok: false; readonly reason: 'log_in_use' };

export async function seed(
  { database, sealing, passwords }: { database: Database; sealing: Sealing; passwords: Passwords },
  { events, people, months, intoUsedLog, origin = NO_ORIGIN, stopped }: SeedOptions,
  onProgress: (done: number) => void,
): Promise<SeedResult> {
  await sealing.seal();
  if (!intoUsedLog && (await isInUse(database.pool))) return { ok: false, reason: 'log_in_use' };
  const to = new Date();
  const from = new Date(to.getTime() - months * MONTH_MS);
  const random = createRandom(randomInt(2 ** 32));
  const story = makeUp({ random, events, people, from, to });
  await recordSeeding(database, origin, { events, people });
  await insertPeople(database, story.people, await passwords.hash(newToken(), null), from);
  await makePartitions(database, from, to);
  let done = 0;
  let firstSeq = 0;
  let lastSeq = 0;
  for (const batch of batches(story.hours)) {
    if (stopped?.aborted) break;
    lastSeq = await append(database, batch);
    firstSeq ||= lastSeq - batch.length + 1;
    done += batch.length;
    onProgress(done);
  }
  await sealing.seal();
  return { ok: true, events: done, firstSeq, lastSeq };
}

async function recordSeeding({ transact }: Database, origin: Origin, detail: Detail): Promise<void> {
  await transact((transaction) =>
    recordEvent(transaction, {
      type: 'sys_made_up_events',
      outcome: 'success',
      actor: null,
      subject: null,
      origin,
      detail,
    }),
  );
}

/** Nobody can log in to them: the password is thrown away. */
async function insertPeople({ prisma }: Database, people: readonly Person[], passwordHash: string, createdAt: Date) {
  for (let at = 0; at < people.length; at += PEOPLE_A_BATCH) {
    const data = people
      .slice(at, at + PEOPLE_A_BATCH)
      .map(({ id, email }) => ({ id, email, emailKey: email, passwordHash, createdAt }));
    await prisma.user.createMany({ data, skipDuplicates: true });
  }
}

async function makePartitions({ pool }: Database, from: Date, to: Date): Promise<void> {
  await pool.query(
    `SELECT audit_make_partition(month) FROM generate_series(
       date_trunc('month', $1::timestamptz AT TIME ZONE 'UTC'), $2::timestamptz AT TIME ZONE 'UTC', '1 month') AS month`,
    [from, to],
  );
}

/** No batch spans two months: it is sealed at one moment. */
function* batches(hours: Iterable<MadeUp[]>): Generator<MadeUp[]> {
  let batch: MadeUp[] = [];
  let month = '';
  for (const hour of hours) {
    const next = hour.at(-1)?.event.occurredAt.toISOString().slice(0, 7) ?? month;
    if (next !== month && batch.length > 0) yield batch.splice(0);
    month = next;
    batch = batch.concat(hour);
    while (batch.length >= BATCH) yield batch.splice(0, BATCH);
  }
  if (batch.length > 0) yield batch;
}

/** Returns the last number. In an empty log events are sealed when they occurred, else now. */
function append({ pool }: Database, batch: readonly MadeUp[]): Promise<number> {
  return inTransaction(pool, async (client) => appendWithin(client, await lockHead(client), batch));
}

async function appendWithin(client: pg.ClientBase, head: LockedHead, batch: readonly MadeUp[]): Promise<number> {
  const occurred = batch.at(-1)?.event.occurredAt ?? head.now;
  const now = head.seq === 0 || occurred >= head.sealedAt ? occurred : head.now;
  const events = chainEvents(
    batch.map(({ event }) => event),
    { ...head, now },
  );
  await appendEvents(client, events);
  await countEvents(client, events);
  await insertNotes(client, events, batch);
  const last = events.at(-1);
  if (last) await moveHead(client, last, head.endingSeq);
  return last?.seq ?? head.seq;
}
