// Logging in with a passkey alone.
import type Router from '@koa/router';
import type Koa from 'koa';
import type { Purpose } from '../../../core/credentials/secret-box.ts';
import { readBody, readNext } from '../../http/form.ts';
import { seeOther } from '../../http/redirect.ts';
import { liveSession } from '../../session/request-state.ts';
import type { Web } from '../../view/page.ts';
import { throttled } from '../../view/throttled.ts';
import { startVisit, visitOf } from '../../view/visit.ts';
import { showLogin } from './login.ts';

const PATH = '/login/passkey';

export function passkeyLoginPage(router: Router, web: Web): void {
  router.get(PATH, async (ctx) => {
    ctx.body = await web.context.passkeys.requestOptions(null, purposeOf(ctx));
  });
  router.post(PATH, web.sentTwice.firstCounts, (ctx) => logIn(ctx, web));
}

async function logIn(ctx: Koa.Context, web: Web): Promise<void> {
  const { passkeyLogin, config } = web.context;
  const fields = await readBody(ctx);
  const next = readNext(fields['next']);
  const remember = fields['remember'] !== undefined;
  const visit = visitOf(ctx, config, remember);
  const result = await passkeyLogin.logIn(fields['credential'] ?? '', purposeOf(ctx), visit);
  if (result.ok) {
    await startVisit(ctx, config, result);
    return seeOther(ctx, next ?? '/profile');
  }
  const { login } = ctx.state.text;
  const problem = result.reason === 'throttled' ? throttled(ctx, result.retryAfterMs) : login.passkeyWrong;
  if (result.reason !== 'throttled') ctx.status = 401;
  await showLogin(ctx, web, { email: '', remember, next, problem });
}

/** Bound to what only this browser has: its session, or the secret of its forms. */
function purposeOf(ctx: Koa.Context): Purpose {
  return { purpose: 'log-in', owner: liveSession(ctx)?.owner.id ?? ctx.state.visitor ?? '' };
}
