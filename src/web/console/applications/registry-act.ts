// What an operator does to groups and applications: each act says first what will happen, asks for a reason and a recent log-in, and
// is recorded with its reason.
import type Router from '@koa/router';
import type Koa from 'koa';
import type { Actor } from '../../../core/audit/events.ts';
import { type Fields, readBody } from '../../http/form.ts';
import { seeOther } from '../../http/redirect.ts';
import { requireOperator, requireRecentLogin } from '../../session/access.ts';
import { typedBefore } from '../../session/kept-form.ts';
import { actorOf } from '../../session/member.ts';
import type { Web } from '../../view/page.ts';
import type { Frame, Views } from '../../view/views.ts';
import { readReason } from '../reason.ts';

type Page = Views['operator/registry-act'];

/** An act as it is shown for what the address names. */
export interface ShownAct {
  readonly title: string;
  readonly says: string;
  readonly facts?: Page['facts'];
  readonly fields?: readonly Omit<Page['fields'][number], 'value'>[];
  readonly button: string;
  readonly danger: boolean;
  readonly back: string;
  /** The version of what it is done to, where it has one. */
  readonly seen?: number;
}

/** What came of it: where to go on, or what is wrong, with the act as a whole or with a field. */
export type ActResult = { readonly to: string } | { readonly problem: string } | { readonly errors: Page['errors'] };

export interface RegistryAct<Target> {
  readonly path: string;
  readonly current: Frame['current'];
  /** @throws HttpError 404 */
  readonly find: (ctx: Koa.Context, web: Web) => Promise<Target>;
  readonly shown: (target: Target) => ShownAct;
  readonly run: (
    web: Web,
    target: Target,
    given: { readonly fields: Fields; readonly by: Required<Actor> },
  ) => Promise<ActResult>;
}

export function registryAct<Target>(router: Router, web: Web, act: RegistryAct<Target>): void {
  const operator = requireOperator(web.context);
  router.get(act.path, operator, async (ctx) => {
    const shown = act.shown(await act.find(ctx, web));
    await show(ctx, web, { act, shown, fields: typedBefore(ctx, web.context), seen: shown.seen ?? 0 });
  });
  router.post(act.path, operator, requireRecentLogin(web.context, act.path), (ctx) => carryOut(ctx, web, act));
}

async function carryOut<Target>(ctx: Koa.Context, web: Web, act: RegistryAct<Target>): Promise<void> {
  const target = await act.find(ctx, web);
  const shown = act.shown(target);
  const fields = await readBody(ctx);
  const { reason, problem: error } = readReason(fields);
  const seen = readSeen(fields, shown.seen ?? 0);
  const again = { act, shown, fields, seen };
  if (error !== null) {
    ctx.status = 422;
    return show(ctx, web, { ...again, errors: { reason: error } });
  }
  const result = await act.run(web, target, { fields, by: { ...actorOf(ctx), reason, seen } });
  if ('to' in result) return seeOther(ctx, result.to);
  ctx.status = 'errors' in result ? 422 : 409;
  // What stopped it may be that it changed: the page shows it as it is by now.
  return show(ctx, web, { ...again, ...result, seen: 'problem' in result ? await seenNow(ctx, web, act, seen) : seen });
}

async function seenNow<Target>(ctx: Koa.Context, web: Web, act: RegistryAct<Target>, seen: number): Promise<number> {
  const target = await act.find(ctx, web).catch(() => null);
  return target === null ? seen : (act.shown(target).seen ?? 0);
}

/** The version that the operator decided on. */
export function readSeen(fields: Fields, now: number): number {
  const typed = Number.parseInt(fields['seen'] ?? '', 10);
  return Number.isSafeInteger(typed) ? typed : now;
}

interface Shown {
  readonly act: Pick<RegistryAct<never>, 'current'>;
  readonly shown: ShownAct;
  readonly fields: Fields;
  readonly seen: number;
  readonly problem?: string;
  readonly errors?: Page['errors'];
}

function show(
  ctx: Koa.Context,
  web: Web,
  { act, shown, fields: typed, seen, problem = '', errors = {} }: Shown,
): Promise<void> {
  const { title, says, facts = [], fields = [], button, danger, back } = shown;
  const page = {
    title,
    says,
    facts,
    fields: fields.map((field) => ({ ...field, value: typed[field.name] ?? '' })),
    action: ctx.path,
    button,
    danger,
    back,
    seen,
    reason: typed['reason'] ?? '',
    problem: problem === '' ? null : problem,
    errors,
  };
  return web.show(ctx, 'operator/registry-act', page, { title, current: act.current, wide: true });
}
