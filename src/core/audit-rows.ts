// A row of the sealed log, as SQL hands it over, and the event that it stands for.
import type { SealedEvent } from './audit-chain.ts';
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
