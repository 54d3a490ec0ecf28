// The user that a page's address names.
import type Koa from 'koa';
import type { User } from '../../../core/accounts/users.ts';
import { HttpError } from '../../http/http-error.ts';
import { isUuid } from '../../http/query.ts';
import type { Web } from '../../view/page.ts';

export const USERS = '/operator/users';

/** @throws HttpError 404 without such an account. */
export async function findUser(ctx: Koa.Context, { context: { users } }: Web): Promise<User> {
  const id: unknown = ctx['params'].id;
  const user = isUuid(id) ? await users.find(id) : null;
  if (!user) throw new HttpError(404, 'no_account');
  return user;
}
