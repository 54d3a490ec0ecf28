// Another e-mail address: asking for it, confirming it from the new mailbox, undoing it from the
// old one.
import type Router from '@koa/router';
import type Koa from 'koa';
import { readEmail } from '../../../core/platform/email-address.ts';
import { readBody } from '../../http/form.ts';
import { seeOther } from '../../http/redirect.ts';
import { requireMember, requireRecentLogin } from '../../session/access.ts';
import { typedBefore } from '../../session/kept-form.ts';
import { linkCookie } from '../../session/link-cookie.ts';
import { actorOf, memberOf } from '../../session/member.ts';
import { liveSession } from '../../session/request-state.ts';
import { showTime } from '../../texts/times-and-devices.ts';
import { doneNotice, type Web } from '../../view/page.ts';
import { throttled } from '../../view/throttled.ts';
import { toldOf } from '../../view/told.ts';
import type { FieldErrors } from '../../view/view-parts.ts';
import { holderOf } from '../../view/visit.ts';
import { deadLink } from '../login/dead-link.ts';
import { ofShownLink } from '../login/shown-link.ts';
import { showMailSent } from '../mail-sent.ts';

const PATH = '/account/email';
const TAKE_BACK = `${PATH}/take-back`;
const CONFIRM = '/confirm-email';
const UNDO = '/undo-email-change';

export function emailPages(router: Router, web: Web): void {
  if (!web.context.mail.possible) return;
  const recent = requireRecentLogin(web.context, PATH);
  router.get(PATH, requireMember, (ctx) => show(ctx, web, typedBefore(ctx, web.context)['email'] ?? '', {}));
  router.post(PATH, requireMember, recent, (ctx) => requestChange(ctx, web));
  router.post(TAKE_BACK, requireMember, (ctx) => takeBack(ctx, web));
  router.get(`${PATH}/sent`, requireMember, (ctx) => showSent(ctx, web));
  router.get(CONFIRM, (ctx) => openConfirmation(ctx, web));
  router.post(CONFIRM, ofShownLink(web, 'email'), (ctx) => confirm(ctx, web));
  router.get(UNDO, (ctx) => openUndo(ctx, web));
  router.post(UNDO, ofShownLink(web, 'undo'), (ctx) => undo(ctx, web));
}

async function requestChange(ctx: Koa.Context, web: Web): Promise<void> {
  const typed = (await readBody(ctx))['email']?.trim() ?? '';
  const email = readEmail(typed);
  const { register: words, email: own } = ctx.state.text;
  if (email === null) {
    ctx.status = 422;
    return show(ctx, web, typed, { email: typed === '' ? own.missing : words.emailWrong });
  }
  const { userId, id: sessionId } = memberOf(ctx);
  const asked = { userId, sessionId, email, origin: ctx.state.origin, told: toldOf(ctx) };
  const result = await web.context.requestEmailChange(asked);
  if (result.ok) return seeOther(ctx, `${PATH}/sent`);
  if (result.reason === 'throttled') return show(ctx, web, typed, {}, throttled(ctx, result.retryAfterMs));
  ctx.status = 422;
  return show(ctx, web, typed, { email: own.same });
}

/** Whoever holds the session may: it changes nothing but what waits. */
async function takeBack(ctx: Koa.Context, web: Web): Promise<void> {
  const taken = await web.context.pendingEmailChanges.takeBack(memberOf(ctx).userId, actorOf(ctx));
  seeOther(ctx, `${PATH}?done=${taken ? 'email-change-taken-back' : 'email-change-gone'}`);
}

function showSent(ctx: Koa.Context, web: Web): Promise<void> {
  const { sent } = ctx.state.text.email;
  const action = { href: '/profile', label: ctx.state.text.deadLink.actions['/profile'] };
  return showMailSent(ctx, web, { ...sent, action });
}

async function openConfirmation(ctx: Koa.Context, web: Web): Promise<void> {
  const { emailChanges, config } = web.context;
  if (linkCookie.takeFromAddress(ctx, config, 'email')) return;
  const looked = await emailChanges.look(linkCookie.read(ctx, config, 'email'), ctx.state.origin);
  if (!looked.ok) return deadLink(ctx, web, looked, 'email');
  return showConfirmation(ctx, web, { email: looked.email, asksPassword: userOf(ctx) !== looked.userId });
}

async function confirm(ctx: Koa.Context, web: Web): Promise<void> {
  const { emailChanges, config } = web.context;
  const { password = '' } = await readBody(ctx);
  const by = { userId: userOf(ctx), password };
  const secret = linkCookie.read(ctx, config, 'email');
  const result = await emailChanges.confirm({ secret, origin: ctx.state.origin, told: toldOf(ctx), by });
  if (!result.ok && result.reason === 'wrong_password') {
    ctx.status = 422;
    const { login, email } = ctx.state.text;
    const error = password === '' ? login.passwordMissing : email.confirm.wrong;
    return showConfirmation(ctx, web, { email: result.email, asksPassword: true, error });
  }
  if (!result.ok) return deadLink(ctx, web, result, 'email');
  linkCookie.drop(ctx, config, 'email');
  seeOther(ctx, '/login?done=email-changed');
}

async function openUndo(ctx: Koa.Context, web: Web): Promise<void> {
  if (linkCookie.takeFromAddress(ctx, web.context.config, 'undo')) return;
  return showUndo(ctx, web, {});
}

async function undo(ctx: Koa.Context, web: Web): Promise<void> {
  const { emailUndo, config } = web.context;
  const { former = '' } = await readBody(ctx);
  const result = await emailUndo.undo(holderOf(ctx, config, 'undo'), former, toldOf(ctx));
  if (!result.ok && result.reason === 'wrong_password') {
    ctx.status = 422;
    return showUndo(ctx, web, { former: ctx.state.text.takeBack.wrong });
  }
  if (!result.ok) return deadLink(ctx, web, result, 'undo');
  linkCookie.drop(ctx, config, 'undo');
  seeOther(ctx, '/login?done=email-taken-back');
}

async function showUndo(ctx: Koa.Context, web: Web, errors: FieldErrors): Promise<void> {
  const looked = await web.context.emailUndo.look(holderOf(ctx, web.context.config, 'undo'));
  if (!looked.ok) return deadLink(ctx, web, looked, 'undo');
  const { title, lede, submit } = ctx.state.text.email.undo;
  const { email, factors } = looked;
  const link = linkCookie.markOf(ctx, web.context.config, 'undo');
  const about = { heading: title, lede, action: UNDO, submit, email, link, asksPassword: false };
  const former = { factors: ctx.state.text.takeBack.factors[factors], asksFormer: factors === 'asks' };
  return web.show(ctx, 'confirm-link', { ...about, ...former, errors, problem: null }, { title });
}

function userOf(ctx: Koa.Context): string | null {
  return liveSession(ctx)?.owner.userId ?? null;
}

interface ShownLink {
  readonly email: string;
  readonly asksPassword: boolean;
  readonly error?: string;
}

function showConfirmation(ctx: Koa.Context, web: Web, { email, asksPassword, error }: ShownLink): Promise<void> {
  const { title, submit, lede, ledePassword } = ctx.state.text.email.confirm;
  const page = {
    heading: title,
    lede: asksPassword ? ledePassword : lede,
    action: CONFIRM,
    submit,
    email,
    link: linkCookie.markOf(ctx, web.context.config, 'email'),
    asksPassword,
    errors: error ? { password: error } : {},
    problem: null,
  };
  return web.show(ctx, 'confirm-link', page, { title });
}

async function show(
  ctx: Koa.Context,
  web: Web,
  email: string,
  errors: FieldErrors,
  problem: string | null = null,
): Promise<void> {
  const { userId, email: current } = memberOf(ctx);
  const waits = await waitingChange(ctx, web, userId);
  const frame = { title: ctx.state.text.email.title, current: 'profile', notice: doneNotice(ctx) } as const;
  return web.show(ctx, 'account/email', { email, current, waits, errors, problem }, frame);
}

/** The change of address that waits for its mail, as a sentence; null for none. */
async function waitingChange(ctx: Koa.Context, { context }: Web, userId: string): Promise<string | null> {
  const pending = await context.pendingEmailChanges.find(userId);
  const { text, now } = ctx.state;
  return pending && text.email.waits.text(pending.email, showTime(pending.askedAt, now, text).text);
}
