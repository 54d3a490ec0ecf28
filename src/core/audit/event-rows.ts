// A row of the sealed log, as SQL returns it, and the event that it stands for.
import type pg from 'pg';
import type { CopiedRow } from '../platform/postgres/copy-out.ts';
import type { SealedEvent, SealedFields } from './canonical-event.ts';
import type { Detail } from './events.ts';

export interface EventRecord {
  seq: string;
  sealed_at: Date;
  id: string;
  occurred_at: Date;
  type: string;
  outcome: string;
  actor_id: string | null;
  subject_id: string | null;
  session_id: string | null;
  request_id: string | null;
  detail: Detail;
  ip: string | null;
  user_agent: string | null;
  place: string | null;
  personal_salt: Buffer | null;
  personal_hash: Buffer;
  prev_hash: Buffer;
  hash: Buffer;
}

export const EVENT_COLUMNS = `seq, sealed_at, id, occurred_at, type, outcome, actor_id, subject_id, session_id, request_id, detail,
  ip, user_agent, place, personal_salt, personal_hash, prev_hash, hash`;

export function eventOf(row: EventRecord): SealedEvent {
  return {
    seq: Number(row.seq),
    sealedAt: row.sealed_at,
    id: row.id,
    occurredAt: row.occurred_at,
    type: row.type,
    outcome: row.outcome,
    actor: row.actor_id,
    subject: row.subject_id,
    session: row.session_id,
    requestId: row.request_id,
    detail: row.detail,
    ip: row.ip,
    userAgent: row.user_agent,
    place: row.place,
    personalSalt: row.personal_salt,
    personalHash: row.personal_hash,
    prevHash: row.prev_hash,
    hash: row.hash,
  };
}

/** The number of the first event that is kept from `from` on; null if there is none. */
export async function firstFrom(pool: pg.Pool, from: number): Promise<number | null> {
  const { rows } = await pool.query<{ seq: string }>(
    'SELECT seq FROM audit_event WHERE seq >= $1 ORDER BY seq, sealed_at LIMIT 1',
    [from],
  );
  return rows[0] ? Number(rows[0].seq) : null;
}

/** The newest sealed event. */
export interface ChainHead {
  readonly seq: number;
  readonly hash: Buffer;
}

export async function readHead(pool: pg.Pool): Promise<ChainHead> {
  const { rows } = await pool.query<{ seq: string; hash: Buffer }>('SELECT seq, hash FROM audit_head WHERE id = 1');
  const [head] = rows;
  if (!head) throw new Error('audit_head has lost its row');
  return { seq: Number(head.seq), hash: head.hash };
}

/** The number of the oldest event that is kept; of the next one if none is. */
export async function firstKept(pool: pg.Pool): Promise<number> {
  return (await firstFrom(pool, 0)) ?? (await readHead(pool)).seq + 1;
}

/** An event as text: a date or a buffer made only to be written again costs more. */
export interface ExportedEvent extends SealedFields {
  readonly ip: string | null;
  readonly userAgent: string | null;
  /** base64url, as the hashes; null once the personal values have been erased. */
  readonly personalSalt: string | null;
  readonly prevHash: string;
  readonly hash: string;
}

export const EXPORT_COLUMNS = `seq, sealed_at AT TIME ZONE 'UTC', id, occurred_at AT TIME ZONE 'UTC', type, outcome, actor_id,
  subject_id, session_id, request_id, detail, ip, user_agent, encode(personal_hash, 'base64'),
  encode(personal_salt, 'base64'), encode(prev_hash, 'base64'), encode(hash, 'base64')`;

/** Enough to say which events there are. */
export const HASH_COLUMNS = `seq, encode(hash, 'base64')`;

export function exportedEventOf(row: CopiedRow): ExportedEvent {
  const text = (index: number) => row[index] ?? '';
  const maybe = (index: number) => row[index] ?? null;
  const salt = maybe(14);
  return {
    seq: Number(row[0]),
    sealedAt: isoOf(text(1)),
    id: text(2),
    occurredAt: isoOf(text(3)),
    type: text(4),
    outcome: text(5),
    actor: maybe(6),
    subject: maybe(7),
    session: maybe(8),
    requestId: maybe(9),
    detail: detailOf(text(10)),
    ip: maybe(11),
    userAgent: maybe(12),
    personal: base64urlOf(text(13)),
    personalSalt: salt === null ? null : base64urlOf(salt),
    prevHash: base64urlOf(text(15)),
    hash: base64urlOf(text(16)),
  };
}

const MOST_DETAILS = 1_000;
const LONGEST_KEPT = 200;
const details = new Map<string, Detail>();

/** Most events of a log have one of a few hundred details: each is read once, and is the same object then. */
function detailOf(text: string): Detail {
  const known = details.get(text);
  if (known !== undefined) return known;
  const read = JSON.parse(text) as Detail;
  if (text.length > LONGEST_KEPT) return read;
  if (details.size >= MOST_DETAILS) details.clear();
  details.set(text, read);
  return read;
}

/** From "2026-11-24 13:07:05.1" to ISO 8601 with milliseconds. */
function isoOf(text: string): string {
  const fraction = text.length > 19 ? text.slice(20).padEnd(3, '0') : '000';
  return `${text.slice(0, 10)}T${text.slice(11, 19)}.${fraction}Z`;
}

let scratch = Buffer.allocUnsafeSlow(1_024);

/** PostgreSQL can write base64url too, but then takes twice as long for the whole row; to replace letters takes twice as long too. */
export function base64urlOf(base64: string): string {
  if (base64.length > scratch.length) scratch = Buffer.allocUnsafeSlow(2 * base64.length);
  return scratch.toString('base64url', 0, scratch.write(base64, 'base64'));
}
