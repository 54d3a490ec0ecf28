// The user that a page's address names.
import type Koa from 'koa';
import type { User } from '../../../core/accounts/users.ts';
import { EVERY_EVENT } from '../../../core/audit/reading/query.ts';
import { HttpError } from '../../http/http-error.ts';
import { isUuid } from '../../http/query.ts';
import { timesOf, type Web } from '../../view/page.ts';
import { auditHref } from '../log/filter.ts';

export const USERS = '/operator/users';

/**
 * Null for an account that was deleted: then the page says so.
 * @throws HttpError 404 where there never was one.
 */
export async function findUser(ctx: Koa.Context, web: Web): Promise<User | null> {
  const id: unknown = ctx['params'].id;
  const user = isUuid(id) ? await web.context.users.find(id) : null;
  if (user) return user;
  const deleted = isUuid(id) ? await findDeletion(id, web) : null;
  if (!isUuid(id) || !deleted) throw new HttpError(404, 'no_account');
  await showDeleted(ctx, web, id, deleted);
  return null;
}

interface Deletion {
  readonly at: Date;
  /** Known once its event is sealed. */
  readonly byOwner: boolean;
}

/** By the log, or by what is left of the account while the event waits to be sealed. */
async function findDeletion(id: string, { context: { auditLog, users } }: Web): Promise<Deletion | null> {
  const { events } = await auditLog.page({ ...EVERY_EVENT, types: ['user_deleted'], person: id }, null, 5);
  const event = events.find(({ subject }) => subject === id);
  if (event) return { at: event.occurredAt, byOwner: event.actor === id };
  const at = await users.deletedAt(id);
  return at && { at, byOwner: false };
}

function showDeleted(ctx: Koa.Context, web: Web, id: string, { at, byOwner }: Deletion): Promise<void> {
  const acts = ctx.method === 'POST';
  ctx.status = acts ? 409 : 410;
  const title = acts ? 'This account was deleted meanwhile' : 'This account was deleted';
  const page = {
    heading: title,
    paragraphs: [
      `That was ${timesOf(ctx).prose(at).text}${byOwner ? ', by its owner' : ''}. Its sessions ended with it.`,
      ...(acts ? ['What you sent had nothing left to act on. Nothing was done.'] : []),
    ],
    action: { href: auditHref({ person: id }), label: 'What the log holds of it' },
  };
  return web.show(ctx, 'message', page, { title, current: 'people', wide: true });
}
