// What belongs to a member: the profile, the sessions, the password.
import type Router from '@koa/router';
import type Koa from 'koa';
import { passwordProblem } from '../../../core/credentials/passwords.ts';
import { readBody } from '../../http/form.ts';
import { HttpError } from '../../http/http-error.ts';
import { isUuid } from '../../http/query.ts';
import { seeOther } from '../../http/redirect.ts';
import { requireMember, requireRecentLogin } from '../../session/access.ts';
import { memberOf } from '../../session/member.ts';
import { enterSession } from '../../session/session-cookie.ts';
import { describeDevice, showTime } from '../../texts/times-and-devices.ts';
import { doneNotice, type Web } from '../../view/page.ts';
import { throttled } from '../../view/throttled.ts';
import { toldOf } from '../../view/told.ts';
import type { FieldErrors } from '../../view/view-parts.ts';

export function accountPages(router: Router, web: Web): void {
  const { sessions, passwordChanges, devices } = web.context;
  const recent = requireRecentLogin(web.context, '/account/sessions');

  router.get('/profile', requireMember, (ctx) => {
    const owner = memberOf(ctx);
    const { text, origin } = ctx.state;
    const now = new Date();
    const page = {
      email: owner.email,
      changesEmail: web.context.mail.possible,
      role: owner.role,
      memberSince: showTime(new Date(owner.memberSince), now, text),
      loggedInAt: showTime(new Date(owner.createdAt), now, text),
      device: describeDevice(origin.userAgent, text),
      address: origin.ip ?? text.devices.unknownAddress,
    };
    return web.show(ctx, 'profile', page, { title: text.profile.title, current: 'profile', notice: doneNotice(ctx) });
  });

  router.get('/account/sessions', requireMember, async (ctx) => {
    const owner = memberOf(ctx);
    const { text } = ctx.state;
    const now = new Date();
    const rows = (await sessions.list(owner.userId)).map((session) => ({
      id: session.id,
      device: describeDevice(session.userAgent, text),
      address: session.ip ?? text.devices.unknownAddress,
      firstSeen: showTime(session.createdAt, now, text),
      lastSeen: showTime(session.id === owner.id ? now : session.lastSeenAt, now, text),
      current: session.id === owner.id,
    }));
    const ordered = [...rows.filter((row) => row.current), ...rows.filter((row) => !row.current)];
    const page = {
      sessions: ordered,
      othersCount: ordered.filter((row) => !row.current).length,
      knownBrowsers: await devices.count(owner.userId),
    };
    const frame = { title: text.sessions.title, current: 'sessions', notice: doneNotice(ctx) } as const;
    await web.show(ctx, 'account/sessions', page, frame);
  });

  router.post('/account/sessions/:id/revoke', requireMember, recent, async (ctx) => {
    const owner = memberOf(ctx);
    const sessionId: unknown = ctx['params'].id;
    if (!isUuid(sessionId)) throw new HttpError(404, 'no_session');
    await sessions.end(
      { sessionId, ownerId: owner.userId },
      { reason: 'revoked', actor: owner.userId, origin: ctx.state.origin },
    );
    seeOther(ctx, '/account/sessions?done=session-ended');
  });

  router.post('/account/sessions/revoke-others', requireMember, recent, async (ctx) => {
    const owner = memberOf(ctx);
    const which = { userId: owner.userId, exceptSessionId: owner.id };
    await sessions.end(which, { reason: 'revoked', actor: owner.userId, origin: ctx.state.origin });
    seeOther(ctx, '/account/sessions?done=others-ended');
  });

  router.post('/account/devices/forget', requireMember, recent, async (ctx) => {
    const owner = memberOf(ctx);
    await devices.forgetAll(owner.userId, { actor: owner.userId, origin: ctx.state.origin });
    seeOther(ctx, '/account/sessions?done=browsers-forgotten');
  });

  // Where programs that keep passwords send people to (W3C, "A Well-Known URL for Changing Passwords").
  router.get('/.well-known/change-password', (ctx) => seeOther(ctx, '/account/password'));

  router.get('/account/password', requireMember, (ctx) => showPassword(ctx, web, {}));

  router.post('/account/password', requireMember, async (ctx) => {
    const owner = memberOf(ctx);
    const fields = await readBody(ctx);
    const current = fields['current'] ?? '';
    const password = fields['password'] ?? '';
    const { password: words, passwordProblems } = ctx.state.text;
    const problem = await passwordProblem(password, owner.email);
    const errors: Record<string, string> = {};
    if (current === '') errors['current'] = words.currentMissing;
    if (problem) errors['password'] = password === '' ? words.newMissing : passwordProblems[problem];
    else if (password === current) errors['password'] = words.same;
    if (Object.keys(errors).length > 0) {
      ctx.status = 422;
      return showPassword(ctx, web, errors);
    }
    const about = { userId: owner.userId, sessionId: owner.id, origin: ctx.state.origin, told: toldOf(ctx) };
    const change = { ...about, current, password };
    const result = await passwordChanges.change(change);
    if (!result.ok && result.reason === 'throttled') {
      return showPassword(ctx, web, {}, throttled(ctx, result.retryAfterMs));
    }
    if (!result.ok && result.reason === 'session_ended') {
      return seeOther(ctx, `/login?next=${encodeURIComponent('/account/sessions')}`);
    }
    if (!result.ok) {
      ctx.status = 422;
      const bad = result.reason === 'bad_password' ? { password: passwordProblems[result.problem] } : null;
      return showPassword(ctx, web, bad ?? { current: words.wrong });
    }
    await enterSession(ctx, result.session);
    seeOther(ctx, '/account/sessions?done=password-changed');
  });
}

function showPassword(ctx: Koa.Context, web: Web, errors: FieldErrors, problem?: string): Promise<void> {
  const page = { email: memberOf(ctx).email, problem: problem ?? null, errors };
  return web.show(ctx, 'account/password', page, { title: ctx.state.text.password.title, current: 'password' });
}
