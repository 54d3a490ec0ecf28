// Setting up an authenticator app, and removing it.
import type Router from '@koa/router';
import type Koa from 'koa';
import { readBody, readNext } from '../../http/form.ts';
import { queryNext, withNext } from '../../http/query.ts';
import { seeOther } from '../../http/redirect.ts';
import { requireLoggedIn, requireRecentLogin } from '../../session/access.ts';
import { memberOf } from '../../session/member.ts';
import { setUpCookie } from '../../session/set-up-cookie.ts';
import type { Web } from '../../view/page.ts';
import type { FieldErrors } from '../../view/view-parts.ts';
import { AUTHENTICATOR, answerAdded, answerRemoved, changerOf, SECURITY, showSecurity } from './security.ts';

export function authenticatorPages(router: Router, web: Web): void {
  const recent = requireRecentLogin(web.context, AUTHENTICATOR);
  const recentForRemoval = requireRecentLogin(web.context, SECURITY);
  router.get(AUTHENTICATOR, requireLoggedIn, recent, (ctx) => showNew(ctx, web));
  router.post(AUTHENTICATOR, web.sentTwice.firstCounts, requireLoggedIn, recent, (ctx) => add(ctx, web));
  router.post(`${AUTHENTICATOR}/remove`, web.sentTwice.firstCounts, requireLoggedIn, recentForRemoval, (ctx) =>
    remove(ctx, web),
  );
}

/** Whoever has one and comes back here by the history must not scan another secret, which no log-in would know. */
async function showNew(ctx: Koa.Context, web: Web): Promise<void> {
  const { enrolment, secondFactors, config } = web.context;
  const { totpSince } = await secondFactors.overview(memberOf(ctx).userId);
  if (totpSince !== null) return seeOther(ctx, withNext(SECURITY, queryNext(ctx)));
  const kept = setUpCookie.read(ctx, config);
  const secret = enrolment.readTotp(changerOf(ctx), kept);
  const begun = secret === null ? await enrolment.beginTotp(changerOf(ctx)) : { secret, sealed: kept };
  if (secret === null) setUpCookie.keep(ctx, config, begun.sealed);
  await show(ctx, web, { ...begun, next: queryNext(ctx) });
}

async function add(ctx: Koa.Context, web: Web): Promise<void> {
  const { enrolment } = web.context;
  const fields = await readBody(ctx);
  const changer = changerOf(ctx);
  const sealed = fields['sealed'] ?? '';
  const next = readNext(fields['next']);
  const secret = enrolment.readTotp(changer, sealed);
  if (secret === null) return seeOther(ctx, withNext(AUTHENTICATOR, next));
  const { problems, missing } = ctx.state.text.authenticator;
  const showAgain = (error: string) => show(ctx, web, { secret, sealed, next }, { code: error });
  const code = fields['code']?.trim() ?? '';
  if (code === '') {
    ctx.status = 422;
    return showAgain(missing);
  }
  const result = await enrolment.addTotp(changer, { sealed, code });
  if (result.ok) setUpCookie.drop(ctx, web.context.config);
  await answerAdded(ctx, {
    result,
    next,
    again: (reason) =>
      reason === 'wrong' || reason === 'late' ? showAgain(problems[reason]) : showSecurity(ctx, web, problems.exists),
  });
}

async function remove(ctx: Koa.Context, web: Web): Promise<void> {
  await answerRemoved(ctx, web, await web.context.enrolment.removeTotp(changerOf(ctx)));
}

interface Shown {
  readonly secret: string;
  readonly sealed: string;
  readonly next: string | null;
}

async function show(
  ctx: Koa.Context,
  web: Web,
  { secret, sealed, next }: Shown,
  errors: FieldErrors = {},
): Promise<void> {
  const [{ totpUri }, { drawQr }] = await Promise.all([
    import('../../../core/factors/totp.ts'),
    import('../../view/qr.ts'),
  ]);
  const uri = totpUri({ secret, email: memberOf(ctx).email, serviceName: web.context.config.serviceName });
  const page = {
    secret: secret.replaceAll(/(.{4})(?=.)/g, '$1 '),
    sealed,
    next,
    uri,
    qr: drawQr(uri),
    problem: null,
    errors,
  };
  const { title } = ctx.state.text.authenticator;
  await web.show(ctx, 'account/authenticator', page, { title, current: 'security' });
}
