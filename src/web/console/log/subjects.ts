// Whom a filter of the log asks about: what it lets through belongs to them, and that an operator read it is recorded.
import { type AuditFilter, EVERY_EVENT } from '../../../core/audit/reading/query.ts';
import type { Context } from '../../../core/context.ts';

/** The accounts that it names, by themselves or by their session. */
export async function subjectsOf(
  filter: AuditFilter,
  context: Pick<Context, 'auditLog' | 'database'>,
): Promise<string[]> {
  const people = [filter.person, filter.actor, await ownerOf(filter.session, context)];
  return people.filter((id) => id !== null);
}

/** A session's row goes when it has served its time; what the log says of its beginning may go before, or come after. */
async function ownerOf(
  session: string | null,
  { auditLog, database: { prisma } }: Pick<Context, 'auditLog' | 'database'>,
): Promise<string | null> {
  if (session === null) return null;
  const row = await prisma.session.findUnique({ where: { id: session }, select: { userId: true } });
  if (row) return row.userId;
  const began = await auditLog.page({ ...EVERY_EVENT, types: ['session_created'], session }, null, 1);
  return began.events[0]?.subject ?? null;
}
