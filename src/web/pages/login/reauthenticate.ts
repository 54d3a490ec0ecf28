// Proving again who one is, before something that matters (`requireRecentLogin`,
// session/access.ts).
import type Router from '@koa/router';
import type Koa from 'koa';
import type { Purpose } from '../../../core/credentials/secret-box.ts';
import type { GivenCode, NotProved, ReauthenticationResult } from '../../../core/login/reauthentication.ts';
import { type Fields, readBody, readNext } from '../../http/form.ts';
import { queryNext, withNext } from '../../http/query.ts';
import { seeOther } from '../../http/redirect.ts';
import { requireLoggedIn } from '../../session/access.ts';
import { waitingForm } from '../../session/kept-form.ts';
import { memberOf } from '../../session/member.ts';
import { enterSession } from '../../session/session-cookie.ts';
import type { Web } from '../../view/page.ts';
import { tooOften } from '../../view/throttled.ts';
import { toldOf } from '../../view/told.ts';
import type { FormProblems } from '../../view/view-parts.ts';
import { actOf } from './confirmed-acts.ts';

const PATH = '/confirm';

export function reauthenticatePage(router: Router, web: Web): void {
  router.get(PATH, requireLoggedIn, (ctx) => show(ctx, web, { next: queryNext(ctx) }));
  router.post(PATH, web.sentTwice.firstCounts, requireLoggedIn, (ctx) => givePassword(ctx, web));
  router.get(`${PATH}/passkey`, requireLoggedIn, (ctx) => giveOptions(ctx, web));
  router.post(`${PATH}/passkey`, web.sentTwice.firstCounts, requireLoggedIn, (ctx) => givePasskey(ctx, web));
}

async function givePassword(ctx: Koa.Context, web: Web): Promise<void> {
  const { id: sessionId, userId } = memberOf(ctx);
  const fields = await readBody(ctx);
  const next = readNext(fields['next']);
  const { password = '' } = fields;
  if (password === '') {
    ctx.status = 422;
    return show(ctx, web, { next, errors: { password: ctx.state.text.confirm.passwordMissing } });
  }
  const who = { userId, sessionId, origin: ctx.state.origin, told: toldOf(ctx) };
  const result = await web.context.reauthentication.byPassword({ ...who, password, code: readCode(fields) });
  await answer(ctx, web, next, result);
}

/** What was typed of the two; a recovery code counts where both were. */
function readCode({ code = '', recovery = '' }: Fields): GivenCode | null {
  if (recovery.trim() !== '') return { factor: 'recovery_code', code: recovery.trim() };
  return code.trim() === '' ? null : { factor: 'totp', code: code.trim() };
}

async function giveOptions(ctx: Koa.Context, web: Web): Promise<void> {
  const { id, userId } = memberOf(ctx);
  ctx.body = await web.context.passkeys.requestOptions(userId, purposeOf(id));
}

async function givePasskey(ctx: Koa.Context, web: Web): Promise<void> {
  const { id: sessionId, userId } = memberOf(ctx);
  const fields = await readBody(ctx);
  const result = await web.context.reauthentication.byPasskey({
    userId,
    sessionId,
    answer: fields['credential'] ?? '',
    owner: purposeOf(sessionId),
    origin: ctx.state.origin,
    told: toldOf(ctx),
  });
  await answer(ctx, web, readNext(fields['next']), result);
}

async function answer(ctx: Koa.Context, web: Web, next: string | null, result: ReauthenticationResult): Promise<void> {
  if (result.ok) {
    await enterSession(ctx, result.session);
    return seeOther(ctx, next ?? '/profile');
  }
  if (result.reason === 'throttled') throw tooOften(result.retryAfterMs); // not the form, which asks PostgreSQL
  if (result.reason === 'session_ended') return seeOther(ctx, withNext('/login', next ?? '/profile'));
  ctx.status = 422;
  await show(ctx, web, { next, ...problemOf(ctx, result) });
}

function problemOf(ctx: Koa.Context, wrong: NotProved): Partial<FormProblems> {
  const { confirm: words, secondFactor } = ctx.state.text;
  if (wrong.reason !== 'wrong_factor')
    return {
      errors: wrong.reason === 'wrong_password' ? { password: words.wrong } : { code: secondFactor.missing.code },
    };
  if (wrong.factor === 'passkey') return { problem: words.passkeyWrong };
  const field = wrong.factor === 'totp' ? 'code' : 'recovery';
  return { errors: { [field]: secondFactor.problems[wrong.factor][wrong.problem] } };
}

async function show(
  ctx: Koa.Context,
  web: Web,
  { next, problem = null, errors = {} }: Partial<FormProblems> & { readonly next: string | null },
): Promise<void> {
  const { email, userId } = memberOf(ctx);
  const { totpSince, passkeys } = await web.context.secondFactors.overview(userId);
  const has = { totp: totpSince !== null, passkeys: passkeys.length > 0 };
  // Without an app, what is asked for is a recovery code.
  const shown =
    has.totp || errors['code'] === undefined ? errors : { recovery: ctx.state.text.secondFactor.missing.recovery };
  const words = ctx.state.text.confirm;
  const { act, cancel } = actOf(next, sentTo(ctx, web, next));
  const forgotHref = web.context.mail.possible ? '/forgot-password' : null;
  const page = { ...has, email, next, act: words.acts[act], cancel, forgotHref, problem, errors: shown };
  await web.show(ctx, 'confirm', page, { title: words.title, passkeys: page.passkeys });
}

/** Where the form was sent that waits for this confirmation; null for none. */
function sentTo(ctx: Koa.Context, { context }: Web, next: string | null): string | null {
  const form = waitingForm(ctx, context);
  return form?.page === next ? form.action : null;
}

function purposeOf(sessionId: string): Purpose {
  return { purpose: 'confirm', owner: sessionId };
}
