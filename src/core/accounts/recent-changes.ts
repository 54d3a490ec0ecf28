// Who changed an account lately, for somebody who decided on an older state of it. Events that wait to be sealed count.
import type { AuditEventType } from '../audit/events.ts';
import type { AuditLog } from '../audit/reading/audit-log.ts';
import { EVERY_EVENT } from '../audit/reading/query.ts';
import type { Database } from '../platform/database.ts';

/** Nobody decides on a page that is older. */
const LATELY_MS = 86_400_000;

export interface RecentChange {
  readonly type: string;
  readonly at: Date;
  readonly actor: string | null;
  /** Null on the command line. */
  readonly requestId: string | null;
  readonly detail: Readonly<Record<string, unknown>>;
}

export type ReadRecentChanges = (
  account: string,
  types: readonly AuditEventType[],
  limit: number,
) => Promise<RecentChange[]>;

export function createRecentChanges({
  database: { pool, clock },
  auditLog,
}: {
  database: Database;
  auditLog: AuditLog;
}): ReadRecentChanges {
  /** The newest changes of an account within a day, newest first. */
  return async (account, types, limit) => {
    const span = await auditLog.spanOf({ ...EVERY_EVENT, from: new Date(clock.now().getTime() - LATELY_MS) });
    // One statement, so that an event that is being sealed stands in exactly one of the two.
    const { rows } = await pool.query<RecentChange>(CHANGES, [account, types, span?.first ?? 0, limit]);
    return rows;
  };
}

const CHANGES = `
  SELECT type, at, actor, "requestId", detail FROM (
    (SELECT event->>'type' AS type, (event->>'occurredAt')::timestamptz AS at, (event->>'actor')::uuid AS actor,
            event->>'requestId' AS "requestId", event->'detail' AS detail
       FROM outbox_account_changes($1::uuid) WHERE event->>'type' = ANY($2::text[]))
    UNION ALL
    (SELECT type, occurred_at, actor_id, request_id, detail FROM audit_event
      WHERE subject_id = $1::uuid AND type = ANY($2::text[]) AND seq >= $3 ORDER BY seq DESC LIMIT $4)) AS changes
   ORDER BY at DESC LIMIT $4`;
