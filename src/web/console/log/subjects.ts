// Whose events a filter asks for, to record that an operator read them.
import type { AuditLog } from '../../../core/audit/reading/audit-log.ts';
import { type AuditFilter, EVERY_EVENT } from '../../../core/audit/reading/query.ts';
import type { Database } from '../../../core/platform/database.ts';
import { findOrigin } from '../../../core/sessions/session-rows.ts';

interface Sources {
  readonly auditLog: Pick<AuditLog, 'page'>;
  readonly database: Pick<Database, 'prisma'>;
}

export async function subjectsOf(filter: AuditFilter, sources: Sources): Promise<string[]> {
  const people = [filter.person, filter.actor, await ownerOf(filter.session, sources)];
  return people.filter((id) => id !== null);
}

/** From the session's row, or, once that is deleted, the event of its start. */
async function ownerOf(session: string | null, { auditLog, database }: Sources): Promise<string | null> {
  if (session === null) return null;
  const row = await findOrigin(database.prisma, session);
  if (row) return row.userId;
  const started = await auditLog.page({ ...EVERY_EVENT, types: ['session_created'], session }, null, 1);
  return started.events[0]?.subject ?? null;
}
