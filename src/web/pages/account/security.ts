// What proves who a member is: the password, an authenticator app, passkeys, recovery codes. Every change needs a recent log-in
// and gives the browser a new session. Reached too by who must set up a second factor before anything else.
import type Router from '@koa/router';
import type Koa from 'koa';
import { v7 as uuidv7 } from 'uuid';
import type { Purpose } from '../../../core/credentials/secret-box.ts';
import type { AddResult, RemoveResult } from '../../../core/factors/enrolment.ts';
import type { Changer } from '../../../core/factors/factor-change.ts';
import { readBody, readNext } from '../../http/form.ts';
import { HttpError } from '../../http/http-error.ts';
import { isUuid, queryNext, withNext } from '../../http/query.ts';
import { seeOther } from '../../http/redirect.ts';
import { requireLoggedIn, requireRecentLogin } from '../../session/access.ts';
import { memberOf } from '../../session/member.ts';
import { liveSession } from '../../session/request-state.ts';
import { enterSession } from '../../session/session-cookie.ts';
import { describeDevice, showTime } from '../../texts/times-and-devices.ts';
import { doneNotice, type Web } from '../../view/page.ts';
import { toldOf } from '../../view/told.ts';
import type { FieldErrors } from '../../view/view-parts.ts';
import type { Views } from '../../view/views.ts';

const PAGE = '/account/security';
const APP = `${PAGE}/authenticator`;
const NEW_PASSKEY = `${PAGE}/passkeys/new`;
const MAX_NAME = 60;

type NewPasskey = Views['account/passkey'];

export function securityPages(router: Router, web: Web): void {
  const { secondFactors, enrolment, passkeys, sessions, config } = web.context;
  const recentOn = (page: string) => requireRecentLogin(web.context, page);

  async function show(ctx: Koa.Context, problem: string | null = null): Promise<void> {
    const { userId, id } = memberOf(ctx);
    const { text } = ctx.state;
    const now = new Date();
    const [has, live] = await Promise.all([secondFactors.overview(userId), sessions.list(userId)]);
    const page = {
      required: ctx.state.mustSetUp ?? false,
      ...{ appHref: withNext(APP, queryNext(ctx)), newPasskeyHref: withNext(NEW_PASSKEY, queryNext(ctx)) },
      totpSince: has.totpSince && showTime(has.totpSince, now, text),
      passkeys: has.passkeys.map((key) => ({
        id: key.id,
        name: key.name,
        since: showTime(key.createdAt, now, text),
        lastUsed: key.lastUsedAt && showTime(key.lastUsedAt, now, text),
      })),
      hasFactor: has.totpSince !== null || has.passkeys.length > 0,
      recoveryCodesLeft: has.recoveryCodesLeft,
      othersCount: live.filter((session) => session.id !== id).length,
      problem,
      errors: {},
    };
    const frame = { title: text.security.title, current: 'security', notice: doneNotice(ctx) } as const;
    await web.show(ctx, 'account/security', page, frame);
  }

  /**
   * What was set up leads to the codes, the first time, and on to the page that was asked for before it; what was not, to the
   * page again.
   */
  async function added(
    ctx: Koa.Context,
    result: AddResult,
    next: string | null,
    again: (reason: 'wrong' | 'late' | 'exists' | 'too_many') => Promise<void>,
  ): Promise<void> {
    if (!result.ok) {
      if (result.reason === 'expired') return seeOther(ctx, withNext(APP, next));
      if (result.reason === 'session_ended') return seeOther(ctx, `/login?next=${encodeURIComponent(PAGE)}`);
      ctx.status = 422;
      return again(result.reason);
    }
    await enterSession(ctx, result.session);
    ctx.state.mustSetUp = false;
    const onward = next ?? `${PAGE}?done=factor-added`;
    if (result.codes === null) return seeOther(ctx, onward);
    await showCodes(ctx, web, result.codes, onward);
  }

  async function removed(ctx: Koa.Context, result: RemoveResult): Promise<void> {
    if (result.ok) {
      await enterSession(ctx, result.session);
      return seeOther(ctx, `${PAGE}?done=factor-removed`);
    }
    if (result.reason === 'session_ended') return seeOther(ctx, `/login?next=${encodeURIComponent(PAGE)}`);
    if (result.reason === 'no_factor') throw new HttpError(404, 'no_factor');
    ctx.status = 422;
    await show(ctx, ctx.state.text.security.lastRequired);
  }

  async function showApp(
    ctx: Koa.Context,
    { secret, sealed, next }: { secret: string; sealed: string; next: string | null },
    errors: FieldErrors = {},
  ) {
    const [{ totpUri }, { drawQr }] = await Promise.all([
      import('../../../core/factors/totp.ts'),
      import('../../view/qr.ts'),
    ]);
    const uri = totpUri({ secret, email: memberOf(ctx).email, serviceName: config.serviceName });
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
    return web.show(ctx, 'account/authenticator', page, { title, current: 'security' });
  }

  function showNewPasskey(
    ctx: Koa.Context,
    { name, next, problem = null, errors = {} }: Pick<NewPasskey, 'name' | 'next'> & Partial<NewPasskey>,
  ) {
    const { title } = ctx.state.text.passkey;
    const frame = { title, current: 'security', passkeys: true } as const;
    return web.show(ctx, 'account/passkey', { name, next, problem, errors }, frame);
  }

  router.get(PAGE, requireLoggedIn, (ctx) => show(ctx));

  router.get(APP, requireLoggedIn, recentOn(APP), async (ctx) =>
    showApp(ctx, { ...(await enrolment.beginTotp(changerOf(ctx))), next: queryNext(ctx) }),
  );

  router.post(APP, requireLoggedIn, recentOn(APP), async (ctx) => {
    const fields = await readBody(ctx);
    const changer = changerOf(ctx);
    const sealed = fields['sealed'] ?? '';
    const next = readNext(fields['next']);
    const secret = enrolment.readTotp(changer, sealed);
    if (secret === null) return seeOther(ctx, withNext(APP, next));
    const { problems, missing } = ctx.state.text.authenticator;
    const code = fields['code']?.trim() ?? '';
    if (code === '') {
      ctx.status = 422;
      return showApp(ctx, { secret, sealed, next }, { code: missing });
    }
    await added(ctx, await enrolment.addTotp(changer, { sealed, code }), next, (reason) =>
      reason === 'wrong' || reason === 'late'
        ? showApp(ctx, { secret, sealed, next }, { code: problems[reason] })
        : show(ctx, problems.exists),
    );
  });

  router.post(`${APP}/remove`, requireLoggedIn, recentOn(PAGE), async (ctx) => {
    await removed(ctx, await enrolment.removeTotp(changerOf(ctx)));
  });

  router.post(`${PAGE}/recovery-codes`, requireLoggedIn, recentOn(PAGE), async (ctx) => {
    await added(ctx, await enrolment.renewCodes(changerOf(ctx)), null, () => show(ctx));
  });

  router.get(NEW_PASSKEY, requireLoggedIn, recentOn(NEW_PASSKEY), (ctx) =>
    showNewPasskey(ctx, {
      name: describeDevice(ctx.state.origin.userAgent, ctx.state.text),
      next: queryNext(ctx),
    }),
  );

  router.get(`${PAGE}/passkeys/options`, requireLoggedIn, async (ctx) => {
    const owner = memberOf(ctx);
    ctx.body = await passkeys.creationOptions({ id: owner.userId, email: owner.email }, newPurpose(owner.id));
  });

  web.staleForms.set(NEW_PASSKEY, (ctx, fields) => {
    if (!liveSession(ctx)) return seeOther(ctx, withNext('/login', NEW_PASSKEY));
    const shown = { name: fields['name'] ?? '', next: readNext(fields['next']), problem: ctx.state.text.staleForm };
    return showNewPasskey(ctx, shown);
  });

  router.post(NEW_PASSKEY, requireLoggedIn, recentOn(NEW_PASSKEY), async (ctx) => {
    const fields = await readBody(ctx);
    const name = fields['name']?.trim() ?? '';
    const next = readNext(fields['next']);
    const { problems, nameWrong } = ctx.state.text.passkey;
    if (!isName(name)) {
      ctx.status = 422;
      return showNewPasskey(ctx, { name, next, errors: { name: nameWrong } });
    }
    const made = {
      id: uuidv7(),
      answer: fields['credential'] ?? '',
      name,
      owner: newPurpose(memberOf(ctx).id),
    };
    await added(ctx, await enrolment.addPasskey(changerOf(ctx), made), next, (reason) => {
      const problem = reason === 'exists' || reason === 'too_many' ? problems[reason] : problems.wrong;
      return showNewPasskey(ctx, { name, next, problem });
    });
  });

  router.post(`${PAGE}/passkeys/:id/rename`, requireLoggedIn, async (ctx) => {
    const id: unknown = ctx['params'].id;
    const name = (await readBody(ctx))['name']?.trim() ?? '';
    if (!isName(name)) {
      ctx.status = 422;
      return show(ctx, ctx.state.text.passkey.nameWrong);
    }
    if (!isUuid(id) || !(await enrolment.renamePasskey(changerOf(ctx), id, name)))
      throw new HttpError(404, 'no_factor');
    seeOther(ctx, `${PAGE}?done=passkey-renamed`);
  });

  router.post(`${PAGE}/passkeys/:id/remove`, requireLoggedIn, recentOn(PAGE), async (ctx) => {
    const id: unknown = ctx['params'].id;
    if (!isUuid(id)) throw new HttpError(404, 'no_factor');
    await removed(ctx, await enrolment.removePasskey(changerOf(ctx), id));
  });
}

/** This once: they are hashed by now. A file of them needs no second request, and no script. */
function showCodes(ctx: Koa.Context, web: Web, codes: readonly string[], onward: string): Promise<void> {
  const { title } = ctx.state.text.recoveryCodes;
  const lines = [`${web.context.config.serviceName}: ${memberOf(ctx).email}`, '', ...codes, ''].join('\r\n');
  const page = { codes, onward, download: `data:text/plain;charset=utf-8,${encodeURIComponent(lines)}` };
  return web.show(ctx, 'account/recovery-codes', page, { title, current: 'security' });
}

function isName(name: string): boolean {
  return name !== '' && name.length <= MAX_NAME && name.isWellFormed();
}

function newPurpose(sessionId: string): Purpose {
  return { purpose: 'new passkey', owner: sessionId };
}

function changerOf(ctx: Koa.Context): Changer {
  const { id, userId } = memberOf(ctx);
  return { userId, sessionId: id, origin: ctx.state.origin, told: toldOf(ctx) };
}
