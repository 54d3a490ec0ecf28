// A member's passkeys: adding, renaming, removing.
import type Router from '@koa/router';
import type Koa from 'koa';
import { v7 as uuidv7 } from 'uuid';
import type { Purpose } from '../../../core/credentials/secret-box.ts';
import { readBody, readNext } from '../../http/form.ts';
import { HttpError } from '../../http/http-error.ts';
import { isUuid, queryNext } from '../../http/query.ts';
import { seeOther } from '../../http/redirect.ts';
import { requireLoggedIn, requireRecentLogin } from '../../session/access.ts';
import { typedBefore } from '../../session/kept-form.ts';
import { memberOf } from '../../session/member.ts';
import { describeDevice } from '../../texts/times-and-devices.ts';
import type { Web } from '../../view/page.ts';
import type { Views } from '../../view/views.ts';
import { answerAdded, answerRemoved, changerOf, NEW_PASSKEY, SECURITY, showSecurity } from './security.ts';

const PASSKEYS = `${SECURITY}/passkeys`;
const MAX_NAME = 60;

export function passkeyPages(router: Router, web: Web): void {
  const recent = requireRecentLogin(web.context, NEW_PASSKEY);
  const recentForRemoval = requireRecentLogin(web.context, SECURITY);
  router.get(NEW_PASSKEY, requireLoggedIn, recent, (ctx) => showNew(ctx, web));
  router.get(`${PASSKEYS}/options`, requireLoggedIn, (ctx) => giveOptions(ctx, web));
  router.post(NEW_PASSKEY, web.sentTwice.firstCounts, requireLoggedIn, recent, (ctx) => add(ctx, web));
  router.post(`${PASSKEYS}/:id/rename`, requireLoggedIn, (ctx) => rename(ctx, web));
  router.post(`${PASSKEYS}/:id/remove`, web.sentTwice.firstCounts, requireLoggedIn, recentForRemoval, (ctx) =>
    remove(ctx, web),
  );
}

function showNew(ctx: Koa.Context, web: Web): Promise<void> {
  const name = typedBefore(ctx, web.context)['name'] ?? describeDevice(ctx.state.origin.userAgent, ctx.state.text);
  return show(ctx, web, { name, next: queryNext(ctx) });
}

async function giveOptions(ctx: Koa.Context, web: Web): Promise<void> {
  const { userId, email, id } = memberOf(ctx);
  ctx.body = await web.context.passkeys.creationOptions({ id: userId, email }, purposeOf(id));
}

async function add(ctx: Koa.Context, web: Web): Promise<void> {
  const fields = await readBody(ctx);
  const name = fields['name']?.trim() ?? '';
  const next = readNext(fields['next']);
  const { problems, nameWrong } = ctx.state.text.passkey;
  if (!isName(name)) {
    ctx.status = 422;
    return show(ctx, web, { name, next, errors: { name: nameWrong } });
  }
  const owner = purposeOf(memberOf(ctx).id);
  const made = { id: uuidv7(), answer: fields['credential'] ?? '', name, owner };
  const result = await web.context.enrolment.addPasskey(changerOf(ctx), made);
  await answerAdded(ctx, {
    result,
    next,
    again: (reason) => {
      const problem = reason === 'exists' || reason === 'too_many' ? problems[reason] : problems.wrong;
      return show(ctx, web, { name, next, problem });
    },
  });
}

async function rename(ctx: Koa.Context, web: Web): Promise<void> {
  const id: unknown = ctx['params'].id;
  const name = (await readBody(ctx))['name']?.trim() ?? '';
  if (!isName(name)) {
    ctx.status = 422;
    return showSecurity(ctx, web, ctx.state.text.passkey.nameWrong, { [ctx.path]: name });
  }
  const renamed = isUuid(id) && (await web.context.enrolment.renamePasskey(changerOf(ctx), id, name));
  if (!renamed) throw new HttpError(404, 'no_factor');
  seeOther(ctx, `${SECURITY}?done=passkey-renamed`);
}

async function remove(ctx: Koa.Context, web: Web): Promise<void> {
  const id: unknown = ctx['params'].id;
  if (!isUuid(id)) throw new HttpError(404, 'no_factor');
  await answerRemoved(ctx, web, await web.context.enrolment.removePasskey(changerOf(ctx), id));
}

type NewPasskey = Views['account/passkey'];
type Shown = Pick<NewPasskey, 'name' | 'next'> & Partial<NewPasskey>;

function show(ctx: Koa.Context, web: Web, { name, next, problem = null, errors = {} }: Shown): Promise<void> {
  const { title } = ctx.state.text.passkey;
  const frame = { title, current: 'security', passkeys: true } as const;
  return web.show(ctx, 'account/passkey', { name, next, problem, errors }, frame);
}

function isName(name: string): boolean {
  return name !== '' && name.length <= MAX_NAME && name.isWellFormed();
}

function purposeOf(sessionId: string): Purpose {
  return { purpose: 'new passkey', owner: sessionId };
}
