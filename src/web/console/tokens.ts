// API tokens: those that open something, and making one for an auditor or an operator. Revoking one is an act on its owner
// (people/user-action-table.ts).
import type Router from '@koa/router';
import type Koa from 'koa';
import { type ApiToken, MOST_DAYS } from '../../core/accounts/api-tokens.ts';
import { readBody } from '../http/form.ts';
import { requireConsole, requireOperator, requireRecentLogin } from '../session/access.ts';
import { typedBefore } from '../session/kept-form.ts';
import { actorOf } from '../session/member.ts';
import type { Times } from '../texts/zoned-times.ts';
import { doneNotice, timesOf, type Web } from '../view/page.ts';
import type { TokenRow } from '../view/securing-views.ts';
import { toldByOperator, toldOf } from '../view/told.ts';
import type { FieldErrors } from '../view/view-parts.ts';
import { findUser, USERS } from './people/find-user.ts';
import { readReason } from './reason.ts';

const PATH = '/operator/tokens';
const USUAL_DAYS = '90';
const MAX_NAME = 60;

const PROBLEMS = {
  no_account: 'This account was deleted meanwhile.',
  session_ended: 'Your session ended meanwhile. Log in and try again.',
  not_an_auditor: 'Only auditors and operators have tokens. Make this person an auditor first.',
  too_many: 'This account has twenty tokens. Revoke one first.',
} as const;

export function tokensPages(router: Router, web: Web): void {
  const path = `${USERS}/:id/tokens/create`;
  const operator = requireOperator(web.context);
  router.get(PATH, requireConsole(web.context), (ctx) => showTokens(ctx, web));
  router.get(path, operator, (ctx) => open(ctx, web));
  router.post(path, operator, requireRecentLogin(web.context, path), (ctx) => create(ctx, web));
}

async function showTokens(ctx: Koa.Context, web: Web): Promise<void> {
  const times = timesOf(ctx);
  const tokens = await web.context.apiTokens.list();
  const page = {
    rows: tokens.map((token) => tokenRow(token, times)),
    count: `${tokens.length} ${tokens.length === 1 ? 'token' : 'tokens'}`,
    asOf: times.clock(times.now),
  };
  const frame = { title: 'API tokens', current: 'people', wide: true, notice: doneNotice(ctx) } as const;
  await web.show(ctx, 'operator/tokens', page, frame);
}

function tokenRow({ id, userId, email, name, createdAt, expiresAt, lastUsedAt }: ApiToken, times: Times): TokenRow {
  return {
    name,
    owner: { label: email, href: `${USERS}/${userId}` },
    createdAt: times.clock(createdAt),
    expiresAt: times.clock(expiresAt),
    lastUsedAt: lastUsedAt && times.clock(lastUsedAt),
    revokeHref: `${USERS}/${userId}/tokens/${id}/revoke`,
  };
}

interface Typed {
  readonly name: string;
  readonly days: string;
  readonly reason: string;
}

async function open(ctx: Koa.Context, web: Web): Promise<void> {
  const { name = '', days = USUAL_DAYS, reason = '' } = typedBefore(ctx, web.context);
  await show(ctx, web, { name, days, reason });
}

async function create(ctx: Koa.Context, web: Web): Promise<void> {
  const fields = await readBody(ctx);
  const { reason, problem } = readReason(fields);
  const typed = { name: (fields['name'] ?? '').trim(), days: (fields['days'] ?? '').trim(), reason };
  const errors: Record<string, string> = {};
  if (problem) errors['reason'] = problem;
  if (typed.name === '' || typed.name.length > MAX_NAME)
    errors['name'] = `Give it a name of at most ${MAX_NAME} characters.`;
  const days = /^\d{1,3}$/.test(typed.days) ? Number(typed.days) : 0;
  if (days < 1 || days > MOST_DAYS) errors['days'] = `From 1 to ${MOST_DAYS} days.`;
  if (Object.keys(errors).length > 0) {
    ctx.status = 422;
    return show(ctx, web, typed, { errors });
  }
  const user = await findUser(ctx, web);
  if (!user) return;
  const by = { ...actorOf(ctx), reason };
  const told = by.actor === user.id ? toldOf(ctx) : toldByOperator(ctx);
  const made = await web.context.apiTokens.create({ userId: user.id, name: typed.name, days, by, told });
  if (made.ok) return show(ctx, web, typed, { secret: made.secret });
  ctx.status = 409;
  return show(ctx, web, typed, { problem: PROBLEMS[made.reason] });
}

interface Shown {
  readonly errors?: FieldErrors;
  readonly problem?: string;
  readonly secret?: string;
}

async function show(
  ctx: Koa.Context,
  web: Web,
  typed: Typed,
  { errors = {}, problem, secret }: Shown = {},
): Promise<void> {
  const user = await findUser(ctx, web);
  if (!user) return;
  const page = {
    person: { label: user.email, href: `${USERS}/${user.id}` },
    action: ctx.path,
    typed,
    secret: secret ?? null,
    url: `${web.context.config.publicOrigin}/api/audit`,
    problem: problem ?? null,
    errors,
  };
  await web.show(ctx, 'operator/token', page, { title: 'Make an API token', current: 'people', wide: true });
}
