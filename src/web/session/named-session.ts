// The session that a path names. That somebody names one of another person is recorded; nothing else comes of it.
import type Koa from 'koa';
import type { Context } from '../../core/context.ts';
import { findOrigin } from '../../core/sessions/session-rows.ts';
import { HttpError } from '../http/http-error.ts';
import { isUuid } from '../http/query.ts';
import { memberOf } from './member.ts';
import { noteRefusal } from './refusals.ts';

/** Its id. @throws HttpError 404 if the path has none. */
export async function namedSession(ctx: Koa.Context, context: Context): Promise<string> {
  const id: unknown = ctx['params'].id;
  if (!isUuid(id)) throw new HttpError(404, 'no_session');
  const whose = await findOrigin(context.database.prisma, id);
  if (whose && whose.userId !== memberOf(ctx).userId)
    await noteRefusal(ctx, context, 'malicious_direct_reference', { reason: 'foreign_session' });
  return id;
}
