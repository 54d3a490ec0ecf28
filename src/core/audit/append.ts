// Appends events to the end of the log, in the caller's transaction: numbers and chains them,
// counts them in the summary and moves the head. Sealing and made-up events share it.
import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import type { ToldEpoch } from '../platform/postgres/epoch.ts';
import { detailText, digest, personalText, placedSalt, sealedText } from './canonical-event.ts';
import { ENDING_EVENTS } from './events.ts';
import type { KnownEvent } from './outbox-event.ts';

const SALT_BYTES = 16;

/** The newest sealed event, locked: nobody else appends to the log meanwhile. */
export interface LockedHead {
  readonly seq: number;
  /** Hexadecimal. */
  readonly hash: string;
  /** The newest sealed end of a session. */
  readonly endingSeq: number;
  readonly sealedAt: Date;
  /** PostgreSQL's clock, but not before `sealedAt`. */
  readonly now: Date;
  readonly epoch: ToldEpoch;
}

interface HeadRecord extends ToldEpoch {
  readonly seq: string;
  readonly hash: Buffer;
  readonly sealed_at: Date;
  readonly ending_seq: string;
  readonly summary_seq: string;
  readonly now: Date;
}

/** Locks the head until the transaction ends; counts what an older version left uncounted. */
export async function lockHead(client: pg.ClientBase): Promise<LockedHead> {
  const { rows } = await client.query<HeadRecord>({
    name: 'seal-lock',
    text: `SELECT seq, hash, sealed_at, ending_seq, summary_seq, database_timeline() AS timeline, database_lineage() AS lineage,
                  greatest(date_trunc('milliseconds', clock_timestamp()), sealed_at) AS now
             FROM audit_head WHERE id = 1 FOR UPDATE`,
  });
  const head = rows[0];
  if (!head) throw new Error('audit_head has lost its row');
  const seq = Number(head.seq);
  const counted = Number(head.summary_seq);
  if (counted < seq) await client.query('SELECT audit_summarise($1, $2)', [counted, seq]);
  return {
    seq,
    hash: head.hash.toString('hex'),
    sealedAt: head.sealed_at,
    endingSeq: Number(head.ending_seq),
    now: head.now,
    epoch: head,
  };
}

/** Its hashes are hexadecimal text: a buffer for each costs more than SHA-256. */
export interface ChainedEvent extends KnownEvent {
  readonly seq: number;
  readonly sealedAt: Date;
  /** Its canonical form, which is chained and written. */
  readonly detailText: string;
  readonly personalSalt: string;
  readonly personalHash: string;
  readonly prevHash: string;
  readonly hash: string;
}

export function isEnding({ type, session }: ChainedEvent): boolean {
  return ENDING_EVENTS.has(type) && session !== null;
}

/** Numbers and chains events; all are sealed at the head's moment. */
export function chainEvents(
  known: readonly KnownEvent[],
  head: Pick<LockedHead, 'seq' | 'hash' | 'now'>,
): ChainedEvent[] {
  const saltsHex = randomBytes(SALT_BYTES * known.length).toString('hex');
  const sealedAt = head.now.toISOString();
  let prevHash = head.hash;
  return known.map((event, index) => {
    const at = index * SALT_BYTES;
    const plain = saltsHex.slice(2 * at, 2 * (at + SALT_BYTES));
    const salt = event.place === undefined ? plain : placedSalt(plain, event.place);
    const personal = digest(salt, personalText(event), 'base64url');
    const { id, type, outcome, actor, subject, session, requestId, detail } = event;
    const seq = head.seq + index + 1;
    const own = detailText(detail);
    const occurredAt = event.occurredAt.toISOString();
    const sealed = {
      seq,
      sealedAt,
      id,
      occurredAt,
      type,
      outcome,
      actor,
      subject,
      session,
      requestId,
      detail,
      personal,
    };
    const chained = {
      ...event,
      seq,
      sealedAt: head.now,
      detailText: own,
      personalSalt: salt,
      personalHash: hexOf(personal),
      prevHash,
      hash: digest(prevHash, sealedText(sealed, own), 'hex'),
    };
    prevHash = chained.hash;
    return chained;
  });
}

/** Inserts a chained batch, of one moment. */
export async function appendEvents(client: pg.ClientBase, events: readonly ChainedEvent[]): Promise<void> {
  const [first] = events;
  if (!first) return;
  await client.query({
    name: 'seal-insert',
    text: INSERT,
    values: [
      first.seq - 1,
      first.sealedAt,
      plainArray(events, (event) => event.id),
      plainArray(events, (event) => event.occurredAt.toISOString()),
      textArray(events, (event) => event.type),
      textArray(events, (event) => event.outcome),
      plainArray(events, (event) => event.actor),
      plainArray(events, (event) => event.subject),
      plainArray(events, (event) => event.session),
      textArray(events, (event) => event.requestId),
      textArray(events, (event) => event.detailText),
      plainArray(events, (event) => event.ip),
      textArray(events, (event) => event.userAgent),
      textArray(events, (event) => event.place ?? null),
      bytesArray(events, (event) => event.personalSalt),
      bytesArray(events, (event) => event.personalHash),
      bytesArray(events, (event) => event.prevHash),
      bytesArray(events, (event) => event.hash),
    ],
  });
}

const INSERT = `INSERT INTO audit_event (seq, sealed_at, id, occurred_at, type, outcome, actor_id, subject_id, session_id,
                         request_id, detail, ip, user_agent, place, personal_salt, personal_hash, prev_hash, hash)
  SELECT $1::bigint + n, $2::timestamptz, id, occurred_at, type, outcome, actor_id, subject_id, session_id,
         request_id, detail, ip, user_agent, place, personal_salt, personal_hash, prev_hash, hash
    FROM unnest($3::uuid[], $4::timestamptz[], $5::text[], $6::text[], $7::uuid[], $8::uuid[], $9::uuid[], $10::text[],
                $11::jsonb[], $12::inet[], $13::text[], $14::text[], $15::bytea[], $16::bytea[], $17::bytea[], $18::bytea[])
         WITH ORDINALITY AS e(id, occurred_at, type, outcome, actor_id, subject_id, session_id, request_id, detail, ip,
                user_agent, place, personal_salt, personal_hash, prev_hash, hash, n)`;

interface Count {
  readonly hour: string;
  readonly type: string;
  readonly outcome: string;
  events: number;
  readonly first: number;
  last: number;
}

/** Events by hour, type and outcome, with the first and last number of each. */
export type EventCounts = Map<string, Count>;

export function addCounts(counts: EventCounts, events: readonly ChainedEvent[]): void {
  for (const { occurredAt, type, outcome, seq } of events) {
    const hour = `${occurredAt.toISOString().slice(0, 13)}:00:00Z`;
    const key = `${hour} ${type} ${outcome}`;
    const count = counts.get(key);
    if (count) {
      count.events += 1;
      count.last = seq;
    } else counts.set(key, { hour, type, outcome, events: 1, first: seq, last: seq });
  }
}

/** Once a transaction: it is a row each. */
export async function writeCounts(client: pg.ClientBase, counts: EventCounts): Promise<void> {
  if (counts.size === 0) return;
  const rows = [...counts.values()];
  await client.query({
    name: 'seal-summary',
    text: `INSERT INTO audit_summary AS s (hour, type, outcome, events, first_seq, last_seq)
           SELECT * FROM unnest($1::timestamptz[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[])
           ON CONFLICT (hour, type, outcome) DO UPDATE SET events = s.events + excluded.events,
             first_seq = least(s.first_seq, excluded.first_seq), last_seq = greatest(s.last_seq, excluded.last_seq)`,
    values: [
      plainArray(rows, (row) => row.hour),
      textArray(rows, (row) => row.type),
      textArray(rows, (row) => row.outcome),
      plainArray(rows, (row) => String(row.events)),
      plainArray(rows, (row) => String(row.first)),
      plainArray(rows, (row) => String(row.last)),
    ],
  });
}

/** Of a transaction that has all its events at hand. */
export async function countEvents(client: pg.ClientBase, events: readonly ChainedEvent[]): Promise<void> {
  const counts: EventCounts = new Map();
  addCounts(counts, events);
  await writeCounts(client, counts);
}

export async function moveHead(client: pg.ClientBase, last: ChainedEvent, endingSeq: number): Promise<void> {
  await client.query({
    name: 'seal-head',
    text: `UPDATE audit_head SET seq = $1, hash = $2, sealed_at = $3, ending_seq = $4, summary_seq = $1 WHERE id = 1`,
    values: [last.seq, Buffer.from(last.hash, 'hex'), last.sealedAt, endingSeq],
  });
}

// PostgreSQL's text form of an array: the driver would quote and copy every element several times.

function plainArray<Row>(rows: readonly Row[], value: (row: Row) => string | null): string {
  return `{${rows.map((row) => value(row) ?? 'NULL').join(',')}}`;
}

function bytesArray<Row>(rows: readonly Row[], hex: (row: Row) => string): string {
  return `{${rows.map((row) => `\\\\x${hex(row)}`).join(',')}}`;
}

function textArray<Row>(rows: readonly Row[], value: (row: Row) => string | null): string {
  return plainArray(rows, (row) => {
    const text = value(row);
    return text === null ? null : `"${/["\\]/.test(text) ? text.replace(/["\\]/g, '\\$&') : text}"`;
  });
}

const bytes = Buffer.alloc(32);

function hexOf(base64url: string): string {
  bytes.write(base64url, 'base64url');
  return bytes.toString('hex');
}
