// Records what looks like an attempt to get past a check: forged forms, other hosts, and sessions of somebody else. Folded by
// account or client, so that a flood of them is a few events. The refusal itself never waits for its record to succeed.
import type Koa from 'koa';
import type { AuditEventType } from '../../core/audit/events.ts';
import type { Context } from '../../core/context.ts';
import { HttpError } from '../http/http-error.ts';
import { actorOf } from './member.ts';

const EVENTS: Readonly<Record<string, AuditEventType>> = {
  forged: 'malicious_csrf',
  stale_form: 'malicious_csrf',
  wrong_host: 'malicious_host',
};

/** Inside the error page, outside of every check. */
export function noteRefusals(context: Context): Koa.Middleware {
  return (ctx, next) =>
    next().catch(async (error: unknown) => {
      const type = error instanceof HttpError ? EVENTS[error.reason] : undefined;
      if (type) await noteRefusal(ctx, context, type, { reason: (error as HttpError).reason });
      throw error;
    });
}

/** Never throws: without PostgreSQL only the program's log has it. */
export async function noteRefusal(
  ctx: Koa.Context,
  { recordFolded, log }: Pick<Context, 'recordFolded' | 'log'>,
  type: AuditEventType,
  detail: Readonly<Record<string, string>>,
): Promise<void> {
  const about = { ...actorOf(ctx), subject: null, detail: { ...detail, path: ctx.path } };
  await recordFolded({ type, outcome: 'failure', ...about }).catch((error: unknown) =>
    log.warn({ err: error, type }, 'could not be recorded in the audit log'),
  );
}
