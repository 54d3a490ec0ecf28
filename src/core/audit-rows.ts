// A row of the sealed log, as SQL hands it over, and the event that it stands for.
import type { SealedEvent, SealedFields } from './audit-chain.ts';
import type { Detail } from './audit-events.ts';

export interface AuditRow {
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
  personal_salt: Buffer | null;
  personal_hash: Buffer;
  prev_hash: Buffer;
  hash: Buffer;
}

/** What to select so that {@link eventOf} can read it. */
export const AUDIT_COLUMNS = `seq, sealed_at, id, occurred_at, type, outcome, actor_id, subject_id, session_id, request_id, detail,
  host(ip) AS ip, user_agent, personal_salt, personal_hash, prev_hash, hash`;

export function eventOf(row: AuditRow): SealedEvent {
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
    personalSalt: row.personal_salt,
    personalHash: row.personal_hash,
    prevHash: row.prev_hash,
    hash: row.hash,
  };
}

/** An event as an export writes it: text, as it was hashed. A date or a buffer made only to be written again costs more. */
export interface ExportedEvent extends SealedFields {
  readonly ip: string | null;
  readonly userAgent: string | null;
  /** base64url, as all that follows; null once the personal values have been erased. */
  readonly personalSalt: string | null;
  readonly prevHash: string;
  readonly hash: string;
}

/** What to select so that {@link exportedEventOf} can read it. */
export const EXPORT_COLUMNS = `seq, (sealed_at AT TIME ZONE 'UTC')::text AS "sealedAt", id,
  (occurred_at AT TIME ZONE 'UTC')::text AS "occurredAt", type, outcome, actor_id AS actor, subject_id AS subject,
  session_id AS session, request_id AS "requestId", detail, host(ip) AS ip, user_agent AS "userAgent",
  encode(personal_hash, 'base64') AS personal, encode(personal_salt, 'base64') AS "personalSalt",
  encode(prev_hash, 'base64') AS "prevHash", encode(hash, 'base64') AS hash`;

export type ExportRow = Omit<ExportedEvent, 'seq'> & { readonly seq: string };

export function exportedEventOf(row: ExportRow): ExportedEvent {
  return {
    ...row,
    seq: Number(row.seq),
    sealedAt: isoOf(row.sealedAt),
    occurredAt: isoOf(row.occurredAt),
    personal: base64urlOf(row.personal),
    personalSalt: row.personalSalt && base64urlOf(row.personalSalt),
    prevHash: base64urlOf(row.prevHash),
    hash: base64urlOf(row.hash),
  };
}

/** "2026-11-24 13:07:05.1", as PostgreSQL writes it, in ISO 8601 with milliseconds. */
function isoOf(text: string): string {
  const fraction = text.length > 19 ? text.slice(20).padEnd(3, '0') : '000';
  return `${text.slice(0, 10)}T${text.slice(11, 19)}.${fraction}Z`;
}

/** PostgreSQL can write it so as well, but takes twice as long for the whole row then. */
function base64urlOf(base64: string): string {
  return Buffer.from(base64, 'base64').toString('base64url');
}
