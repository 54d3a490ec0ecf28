// A member's own API tokens, shown on the page of what protects the account: revoking one. An operator makes them
// (console/tokens.ts).
import type Router from '@koa/router';
import type Koa from 'koa';
import { HttpError } from '../../http/http-error.ts';
import { isUuid } from '../../http/query.ts';
import { seeOther } from '../../http/redirect.ts';
import { requireLoggedIn, requireRecentLogin } from '../../session/access.ts';
import { actorOf, memberOf } from '../../session/member.ts';
import type { Web } from '../../view/page.ts';
import { SECURITY } from './security.ts';

export function ownTokensPages(router: Router, web: Web): void {
  const recent = requireRecentLogin(web.context, SECURITY);
  router.post(`${SECURITY}/tokens/:id/revoke`, web.sentTwice.firstCounts, requireLoggedIn, recent, (ctx) =>
    revoke(ctx, web),
  );
}

async function revoke(ctx: Koa.Context, { context: { apiTokens } }: Web): Promise<void> {
  const id: unknown = ctx['params'].id;
  const { userId } = memberOf(ctx);
  if (!isUuid(id) || !(await apiTokens.revoke({ id, userId }, actorOf(ctx)))) throw new HttpError(404, 'no_token');
  seeOther(ctx, `${SECURITY}?done=api-token-revoked`);
}
