// The second step of logging in, after the right password: a code, a recovery code or a passkey. And logging in with a passkey
// alone. Nobody has a session before.
import type Router from '@koa/router';
import type Koa from 'koa';
import type { Purpose } from '../../../core/credentials/secret-box.ts';
import type { Given } from '../../../core/factors/second-factors.ts';
import type { PendingLogin } from '../../../core/login/pending-logins.ts';
import { readBody, readNext } from '../../http/form.ts';
import { seeOther } from '../../http/redirect.ts';
import { pendingLoginCookie } from '../../session/pending-login-cookie.ts';
import { liveSession } from '../../session/request-state.ts';
import type { Web } from '../../view/page.ts';
import { throttled } from '../../view/throttled.ts';
import type { FieldErrors } from '../../view/view-parts.ts';
import { startVisit, visitOf } from '../../view/visit.ts';
import { showLogin } from './login.ts';

const PAGE = '/login/second-factor';

export function secondFactorPages(router: Router, web: Web): void {
  const { secondFactorLogin, secondFactors, pendingLogins, passkeys, config } = web.context;
  const waiting = (ctx: Koa.Context) => pendingLogins.find(pendingLoginCookie.read(ctx, config));

  async function show(ctx: Koa.Context, pending: PendingLogin, problem: string | null, errors: FieldErrors = {}) {
    const { totpSince, passkeys: keys } = await secondFactors.overview(pending.user.id);
    const page = { totp: totpSince !== null, passkeys: keys.length > 0, problem, errors };
    await web.show(ctx, 'login/second-factor', page, { title: ctx.state.text.secondFactor.title, passkeys: true });
  }

  async function finish(ctx: Koa.Context, given: Given, field: 'code' | 'recovery' | null): Promise<void> {
    const result = await secondFactorLogin.finish(pendingLoginCookie.read(ctx, config), given, visitOf(ctx, config));
    if (result.ok) {
      pendingLoginCookie.drop(ctx, config);
      await startVisit(ctx, config, result);
      return seeOther(ctx, result.next ?? '/profile');
    }
    const pending = result.reason === 'expired' ? null : await waiting(ctx);
    if (result.reason === 'expired' || !pending) return tooLate(ctx);
    if (result.reason === 'throttled') return show(ctx, pending, throttled(ctx, result.retryAfterMs));
    ctx.status = 401;
    const words = ctx.state.text.secondFactor.problems[given.factor][result.reason];
    await show(ctx, pending, field === null ? words : null, field === null ? {} : { [field]: words });
  }

  function tooLate(ctx: Koa.Context): void {
    pendingLoginCookie.drop(ctx, config);
    seeOther(ctx, '/login?late=1');
  }

  router.get(PAGE, async (ctx) => {
    const pending = await waiting(ctx);
    if (!pending) return liveSession(ctx) ? seeOther(ctx, '/profile') : tooLate(ctx);
    await show(ctx, pending, null);
  });

  router.post(PAGE, async (ctx) => {
    const fields = await readBody(ctx);
    const field = fields['recovery'] === undefined ? 'code' : 'recovery';
    const code = fields[field]?.trim() ?? '';
    if (code === '') {
      const pending = await waiting(ctx);
      if (!pending) return tooLate(ctx);
      ctx.status = 422;
      return show(ctx, pending, null, { [field]: ctx.state.text.secondFactor.missing[field] });
    }
    await finish(ctx, { factor: field === 'code' ? 'totp' : 'recovery_code', code }, field);
  });

  router.get(`${PAGE}/passkey`, async (ctx) => {
    const pending = await waiting(ctx);
    if (!pending) return tooLate(ctx);
    ctx.body = await passkeys.requestOptions(pending.user.id, stepPurpose(pending.id));
  });

  router.post(`${PAGE}/passkey`, async (ctx) => {
    const pending = await waiting(ctx);
    if (!pending) return tooLate(ctx);
    const answer = (await readBody(ctx))['credential'] ?? '';
    await finish(ctx, { factor: 'passkey', answer, owner: stepPurpose(pending.id) }, null);
  });

  router.get('/login/passkey', async (ctx) => {
    ctx.body = await passkeys.requestOptions(null, loginPurpose(ctx));
  });

  router.post('/login/passkey', async (ctx) => {
    const fields = await readBody(ctx);
    const next = readNext(fields['next']);
    const remember = fields['remember'] !== undefined;
    const visit = visitOf(ctx, config, remember);
    const result = await secondFactorLogin.logInWithPasskey(fields['credential'] ?? '', loginPurpose(ctx), visit);
    if (result.ok) {
      await startVisit(ctx, config, result);
      return seeOther(ctx, next ?? '/profile');
    }
    const { login } = ctx.state.text;
    const problem = result.reason === 'throttled' ? throttled(ctx, result.retryAfterMs) : login.passkeyWrong;
    if (result.reason !== 'throttled') ctx.status = 401;
    await showLogin(ctx, web, { email: '', remember, next, problem });
  });
}

function stepPurpose(pendingId: string): Purpose {
  return { purpose: 'second step', owner: pendingId };
}

/** Bound to what only this browser has: the cookie behind its forms, or its session. */
function loginPurpose(ctx: Koa.Context): Purpose {
  return { purpose: 'log-in', owner: liveSession(ctx)?.owner.id ?? ctx.state.visitor ?? '' };
}
