// Moves events from the outbox into the sealed log: numbered, chained, exactly once. One transaction takes the lock that is
// the head of the chain, deletes a batch from the outbox, inserts it into the log and moves the head; whatever is killed,
// either all of that happened or nothing did. Then Redis is told of the sessions that the batch ended.
import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import { v7 as uuidv7, validate } from 'uuid';
import { canonicalAddress, hashEvent, hashPersonal, type SealedEvent } from './audit-chain.ts';
import { type AttemptNote, type BlockNote, type Detail, ENDING_EVENTS, type WaitingEvent } from './audit-events.ts';
import type { Database } from './database.ts';
import type { Ending, EndReason } from './session-records.ts';
import type { SessionStore } from './session-store.ts';

const BATCH = 1_000;
const SALT_BYTES = 16;
const MONTHS_AHEAD = 2;
const MAX_TYPE = 100;

interface WaitingRow {
  readonly id: string;
  readonly event: WaitingEvent;
  readonly attempt: AttemptNote | null;
  readonly block: BlockNote | null;
}

interface Head {
  readonly seq: number;
  readonly hash: Buffer;
  readonly endingSeq: number;
  readonly now: Date;
}

interface Attempt {
  readonly event: SealedEvent;
  readonly identifierHash: Buffer;
  readonly device: string | null;
}

export type Sealing = ReturnType<typeof createSealing>;

export function createSealing({ database, store }: { database: Database; store: SessionStore }) {
  let partitionsMadeIn = '';

  /** Seals one batch; returns how many events it held. */
  async function sealBatch(): Promise<number> {
    const client = await database.pool.connect();
    let broken: Error | undefined;
    const onBreak = (error: Error) => {
      broken = error; // between two statements nobody else hears of it
    };
    client.on('error', onBreak);
    try {
      await client.query('BEGIN');
      const head = await lockHead(client);
      const rows = await takeWaiting(client);
      if (rows.length === 0) {
        await client.query('ROLLBACK');
        return 0;
      }
      const events = chain(rows, head);
      const endings = events.filter((event) => ENDING_EVENTS.has(event.type) && event.session !== null);
      await insertEvents(client, events);
      await insertAttempts(client, attemptsOf(rows, events));
      await insertBlocks(client, rows, events);
      const ended = await markEndings(client, endings);
      const endingSeq = endings.at(-1)?.seq ?? head.endingSeq;
      await moveHead(client, events, endingSeq);
      await client.query('COMMIT');
      if (endings.length > 0) await store.carryOut(ended, { previousSeq: head.endingSeq, endingSeq });
      return rows.length;
    } catch (error) {
      broken = error instanceof Error ? error : new Error(String(error));
      throw error;
    } finally {
      client.release(broken);
      client.off('error', onBreak);
    }
  }

  return {
    /**
     * Seals everything that waits, a thousand events at a time, and returns how many there were. Two at once take turns.
     * Throws if PostgreSQL is away (nothing was sealed twice or lost), or if Redis could not be told of an ending; that
     * is then repeated by whoever finds its mark behind.
     */
    async seal(): Promise<number> {
      const month = new Date().toISOString().slice(0, 7);
      if (partitionsMadeIn !== month) {
        await this.makePartitions();
        partitionsMadeIn = month;
      }
      let total = 0;
      for (let count = BATCH; count === BATCH; total += count) count = await sealBatch();
      return total;
    },

    /** Makes the log's partitions for this month and the two after it, where they are missing. */
    async makePartitions(): Promise<void> {
      await database.pool.query('SELECT audit_ensure_partitions($1)', [MONTHS_AHEAD]);
    },
  };
}

async function lockHead(client: pg.PoolClient): Promise<Head> {
  const { rows } = await client.query<{ seq: string; hash: Buffer; ending_seq: string; now: Date }>({
    name: 'seal-lock',
    text: `SELECT seq, hash, ending_seq, greatest(date_trunc('milliseconds', clock_timestamp()), sealed_at) AS now
             FROM audit_head WHERE id = 1 FOR UPDATE`,
  });
  const head = rows[0];
  if (!head) throw new Error('audit_head has lost its row');
  return { seq: Number(head.seq), hash: head.hash, endingSeq: Number(head.ending_seq), now: head.now };
}

async function takeWaiting(client: pg.PoolClient): Promise<WaitingRow[]> {
  const { rows } = await client.query<WaitingRow>({
    name: 'seal-take',
    text: 'DELETE FROM outbox WHERE id IN (SELECT id FROM outbox ORDER BY id LIMIT $1) RETURNING id, event, attempt, block',
    values: [BATCH],
  });
  return rows.sort((a, b) => Number(a.id) - Number(b.id));
}

function chain(rows: readonly WaitingRow[], head: Head): SealedEvent[] {
  let prevHash = head.hash;
  return rows.map(({ event }, index) => {
    const told = known(event, head.now);
    const personalSalt = randomBytes(SALT_BYTES);
    const unsealed = {
      ...told,
      seq: head.seq + index + 1,
      sealedAt: head.now,
      personalSalt,
      personalHash: hashPersonal(personalSalt, told),
      prevHash,
    };
    const sealed = { ...unsealed, hash: hashEvent(unsealed) };
    prevHash = sealed.hash;
    return sealed;
  });
}

/**
 * The fields of this version, completed; what a newer version added is kept among the details. An event of any shape is
 * sealed: one that could not be would stand before all others for ever.
 */
function known(waiting: Partial<Record<keyof WaitingEvent, unknown>> | null, now: Date) {
  const { v, id, occurredAt, type, outcome, actor, subject, session, requestId, ip, userAgent, detail, ...newer } =
    waiting instanceof Object ? waiting : { detail: { event: waiting } };
  const odd: Record<string, unknown> = {};
  const take = <T>(name: string, value: unknown, fits: (text: string) => T | null): T | null => {
    const taken = typeof value === 'string' ? fits(value) : null;
    if (taken === null && value !== null && value !== undefined) odd[name] = value;
    return taken;
  };
  const uuid = (text: string) => (validate(text) ? text : null);
  const moment = (text: string) => (Number.isNaN(Date.parse(text)) ? null : new Date(text));
  const text = (value: string) => value;
  const name = (value: string) => (value.length <= MAX_TYPE ? value : null); // it is indexed
  const known = {
    id: take('id', id, uuid) ?? uuidv7(),
    occurredAt: take('occurredAt', occurredAt, moment) ?? now,
    type: take('type', type, name) ?? 'unknown',
    outcome: take('outcome', outcome, text) ?? 'unknown',
    actor: take('actor', actor, uuid),
    subject: take('subject', subject, uuid),
    session: take('session', session, uuid),
    requestId: take('requestId', requestId, text),
    ip: take('address', ip, canonicalAddress),
    userAgent: take('userAgent', userAgent, text),
  };
  const details = { ...(detail instanceof Object ? detail : { detail: detail ?? undefined }), ...newer, ...odd };
  // As it will be read back: without what JSON can't say.
  return { ...known, detail: JSON.parse(JSON.stringify(details)) as Detail };
}

async function insertEvents(client: pg.PoolClient, events: readonly SealedEvent[]): Promise<void> {
  const column = <Key extends keyof SealedEvent>(key: Key) => events.map((event) => event[key]);
  await client.query({
    name: 'seal-insert',
    text: `INSERT INTO audit_event (seq, sealed_at, id, occurred_at, type, outcome, actor_id, subject_id, session_id,
                                    request_id, detail, ip, user_agent, personal_salt, personal_hash, prev_hash, hash)
           SELECT * FROM unnest($1::bigint[], $2::timestamptz[], $3::uuid[], $4::timestamptz[], $5::text[], $6::text[],
                                $7::uuid[], $8::uuid[], $9::uuid[], $10::text[], $11::jsonb[], $12::inet[], $13::text[],
                                $14::bytea[], $15::bytea[], $16::bytea[], $17::bytea[])`,
    values: [
      column('seq'),
      column('sealedAt'),
      column('id'),
      column('occurredAt'),
      column('type'),
      column('outcome'),
      column('actor'),
      column('subject'),
      column('session'),
      column('requestId'),
      events.map((event) => JSON.stringify(event.detail)),
      column('ip'),
      column('userAgent'),
      column('personalSalt'),
      column('personalHash'),
      column('prevHash'),
      column('hash'),
    ],
  });
}

function attemptsOf(rows: readonly WaitingRow[], events: readonly SealedEvent[]): Attempt[] {
  return rows.flatMap(({ attempt }, index) => {
    const event = events[index];
    if (typeof attempt?.identifierHash !== 'string' || !event) return [];
    const identifierHash = Buffer.from(attempt.identifierHash, 'base64url');
    return [{ event, identifierHash, device: attempt.device ?? null }];
  });
}

async function insertAttempts(client: pg.PoolClient, attempts: readonly Attempt[]): Promise<void> {
  if (attempts.length === 0) return;
  await client.query({
    name: 'seal-attempts',
    text: `INSERT INTO login_attempt (id, occurred_at, user_id, identifier_hash, ip, user_agent, outcome, reason, request_id,
                                      device_id)
           SELECT * FROM unnest($1::uuid[], $2::timestamptz[], $3::uuid[], $4::bytea[], $5::inet[], $6::text[], $7::text[],
                                $8::text[], $9::text[], $10::uuid[])
           ON CONFLICT (id) DO NOTHING`,
    values: [
      attempts.map(({ event }) => event.id),
      attempts.map(({ event }) => event.occurredAt),
      attempts.map(({ event }) => event.subject),
      attempts.map(({ identifierHash }) => identifierHash),
      attempts.map(({ event }) => event.ip),
      attempts.map(({ event }) => event.userAgent),
      attempts.map(({ event }) => event.outcome),
      attempts.map(({ event }) => event.detail['reason'] ?? null),
      attempts.map(({ event }) => event.requestId),
      attempts.map(({ device }) => device),
    ],
  });
}

async function insertBlocks(
  client: pg.PoolClient,
  rows: readonly WaitingRow[],
  events: readonly SealedEvent[],
): Promise<void> {
  for (const [index, { block }] of rows.entries()) {
    const event = events[index];
    if (!block || !event) continue;
    await client.query({
      name: 'seal-block',
      text: `INSERT INTO throttle_block (id, scope, key, user_id, ip, started_at, until_at, failures)
             VALUES ($1, $2, $3, $4, $5, $6, $6::timestamptz + $7 * interval '1 millisecond', $8) ON CONFLICT (id) DO NOTHING`,
      values: [
        block.id,
        block.scope,
        block.key,
        event.subject,
        block.scope === 'account' ? null : event.ip,
        event.occurredAt,
        block.lastsMs,
        block.failures,
      ],
    });
  }
}

async function markEndings(client: pg.PoolClient, endings: readonly SealedEvent[]): Promise<Ending[]> {
  if (endings.length === 0) return [];
  const { rows } = await client.query<{ token_hash: Buffer; end_reason: EndReason }>({
    name: 'seal-endings',
    text: `UPDATE session SET ending_seq = e.seq FROM unnest($1::uuid[], $2::bigint[]) AS e(id, seq)
            WHERE session.id = e.id AND session.ended_at IS NOT NULL RETURNING token_hash, end_reason`,
    values: [endings.map((event) => event.session), endings.map((event) => event.seq)],
  });
  return rows.map((row) => ({ tokenHash: row.token_hash, reason: row.end_reason }));
}

async function moveHead(client: pg.PoolClient, events: readonly SealedEvent[], endingSeq: number): Promise<void> {
  const last = events.at(-1);
  if (!last) return;
  await client.query({
    name: 'seal-head',
    text: 'UPDATE audit_head SET seq = $1, hash = $2, sealed_at = $3, ending_seq = $4 WHERE id = 1',
    values: [last.seq, last.hash, last.sealedAt, endingSeq],
  });
}
