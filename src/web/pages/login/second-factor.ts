// The second step of logging in, after the right password: a code, a recovery code or a passkey.
// The session starts only after it.
import type Router from '@koa/router';
import type Koa from 'koa';
import type { Purpose } from '../../../core/credentials/secret-box.ts';
import type { Given } from '../../../core/factors/second-factors.ts';
import type { PendingLogin } from '../../../core/login/pending-logins.ts';
import { readBody } from '../../http/form.ts';
import { seeOther } from '../../http/redirect.ts';
import { pendingLoginCookie } from '../../session/pending-login-cookie.ts';
import { liveSession } from '../../session/request-state.ts';
import { showOtherSession } from '../../view/other-session.ts';
import type { Web } from '../../view/page.ts';
import { throttled } from '../../view/throttled.ts';
import type { FieldErrors } from '../../view/view-parts.ts';
import { startVisit, visitOf } from '../../view/visit.ts';
import { applicationAhead } from '../applications/ahead.ts';

const PATH = '/login/second-factor';

export function secondFactorPages(router: Router, web: Web): void {
  router.get(PATH, (ctx) => openStep(ctx, web));
  router.post(PATH, web.sentTwice.firstCounts, (ctx) => giveCode(ctx, web));
  router.get(`${PATH}/passkey`, (ctx) => giveOptions(ctx, web));
  router.post(`${PATH}/passkey`, web.sentTwice.firstCounts, (ctx) => givePasskey(ctx, web));
}

async function openStep(ctx: Koa.Context, web: Web): Promise<void> {
  const pending = await pendingOf(ctx, web);
  if (liveSession(ctx)) return pending ? showOtherSession(ctx, web) : seeOther(ctx, '/profile');
  return pending ? show(ctx, web, { pending }) : tooLate(ctx, web);
}

async function giveCode(ctx: Koa.Context, web: Web): Promise<void> {
  const fields = await readBody(ctx);
  const field = fields['recovery'] === undefined ? 'code' : 'recovery';
  const code = fields[field]?.trim() ?? '';
  if (code !== '') return finish(ctx, web, { factor: field === 'code' ? 'totp' : 'recovery_code', code }, field);
  const pending = await pendingOf(ctx, web);
  if (!pending) return tooLate(ctx, web);
  ctx.status = 422;
  return show(ctx, web, { pending, errors: { [field]: ctx.state.text.secondFactor.missing[field] } });
}

async function giveOptions(ctx: Koa.Context, web: Web): Promise<void> {
  const pending = await pendingOf(ctx, web);
  if (!pending) return tooLate(ctx, web);
  ctx.body = await web.context.passkeys.requestOptions(pending.user.id, purposeOf(pending));
}

async function givePasskey(ctx: Koa.Context, web: Web): Promise<void> {
  const pending = await pendingOf(ctx, web);
  if (!pending) return tooLate(ctx, web);
  const answer = (await readBody(ctx))['credential'] ?? '';
  await finish(ctx, web, { factor: 'passkey', answer, owner: purposeOf(pending) }, null);
}

/** `field` is where a wrong code is said; null says it above the form. */
async function finish(ctx: Koa.Context, web: Web, given: Given, field: 'code' | 'recovery' | null): Promise<void> {
  const { secondFactorLogin, config } = web.context;
  const result = await secondFactorLogin.finish(await tokenOf(ctx, web), given, visitOf(ctx, config));
  if (result.ok) {
    pendingLoginCookie.drop(ctx, config);
    await startVisit(ctx, config, result);
    return seeOther(ctx, result.next ?? '/profile');
  }
  const pending = result.reason === 'expired' ? null : await pendingOf(ctx, web);
  if (result.reason === 'expired' || !pending) return tooLate(ctx, web);
  if (result.reason === 'throttled') return show(ctx, web, { pending, problem: throttled(ctx, result.retryAfterMs) });
  ctx.status = 401;
  const words = ctx.state.text.secondFactor.problems[given.factor][result.reason];
  await show(ctx, web, field === null ? { pending, problem: words } : { pending, errors: { [field]: words } });
}

function tooLate(ctx: Koa.Context, web: Web): void {
  pendingLoginCookie.drop(ctx, web.context.config);
  seeOther(ctx, '/login?late=1');
}

async function pendingOf(ctx: Koa.Context, web: Web): Promise<PendingLogin | null> {
  return web.context.pendingLogins.find(await tokenOf(ctx, web));
}

/** Of several cookies of the name the first whose log-in still waits. */
async function tokenOf(ctx: Koa.Context, { context: { pendingLogins, config } }: Web): Promise<string> {
  const [first = '', ...others] = pendingLoginCookie.readAll(ctx, config);
  for (const token of others.length > 0 ? [first, ...others] : []) {
    if (await pendingLogins.find(token)) return token;
  }
  return first;
}

function purposeOf({ id }: PendingLogin): Purpose {
  return { purpose: 'second step', owner: id };
}

interface Shown {
  readonly pending: PendingLogin;
  readonly problem?: string;
  readonly errors?: FieldErrors;
}

async function show(ctx: Koa.Context, web: Web, { pending, problem, errors }: Shown): Promise<void> {
  const { totpSince, passkeys } = await web.context.secondFactors.overview(pending.user.id);
  const page = {
    ahead: await applicationAhead(web.context, pending.next),
    totp: totpSince !== null,
    passkeys: passkeys.length > 0,
    problem: problem ?? null,
    errors: errors ?? {},
  };
  await web.show(ctx, 'login/second-factor', page, { title: ctx.state.text.secondFactor.title, passkeys: true });
}
