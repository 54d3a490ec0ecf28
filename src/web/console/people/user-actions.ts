// The pages of what an operator can do to somebody's account. Each says first what will happen and
// asks for a reason, needs a recent login, is recorded with its reason, and counts in every process
// from the next request.
import type Router from '@koa/router';
import type Koa from 'koa';
import type { User } from '../../../core/accounts/users.ts';
import { readBody } from '../../http/form.ts';
import { seeOther } from '../../http/redirect.ts';
import { requireOperator, requireRecentLogin } from '../../session/access.ts';
import { typedBefore } from '../../session/kept-form.ts';
import { actorOf } from '../../session/member.ts';
import type { ChangeRow } from '../../view/console-views.ts';
import type { Web } from '../../view/page.ts';
import { readReason } from '../reason.ts';
import { changeRow } from './change-row.ts';
import { findUser, USERS } from './find-user.ts';
import { LAST_OPERATOR, USER_ACTIONS, type UserAction } from './user-action-table.ts';

const MOST_CHANGES = 5;

export function userActions(router: Router, web: Web): void {
  for (const action of Object.values(USER_ACTIONS)) {
    const path = `${USERS}/:id/${action.path}`;
    const operator = requireOperator(web.context);
    router.get(path, operator, (ctx) => openAction(ctx, web, action));
    router.post(path, operator, requireRecentLogin(web.context, path), (ctx) => act(ctx, web, action));
  }
}

async function openAction(ctx: Koa.Context, web: Web, action: UserAction): Promise<void> {
  const user = await findUser(ctx, web);
  if (!user) return;
  await web.noteRead(ctx, [user.id], 'account');
  const { reason = '' } = typedBefore(ctx, web.context);
  await show(ctx, web, { action, user, reason, seen: user.version });
}

async function act(ctx: Koa.Context, web: Web, action: UserAction): Promise<void> {
  const user = await findUser(ctx, web);
  if (!user) return;
  const fields = await readBody(ctx);
  const { reason, problem: error } = readReason(fields);
  const typed = Number.parseInt(fields['seen'] ?? '', 10);
  const seen = Number.isSafeInteger(typed) ? typed : user.version;
  if (error !== null) {
    ctx.status = 422;
    return show(ctx, web, { action, user, reason, seen, error });
  }
  const problem = await action.run(web.context, { user, by: { ...actorOf(ctx), reason, seen }, ctx });
  if (problem === null) return seeOther(ctx, `${USERS}/${user.id}?done=${action.done}`);
  const now = await findUser(ctx, web);
  if (!now) return;
  ctx.status = 409;
  const changes = problem === LAST_OPERATOR ? [] : await changesOf(web, now, action, now.version - seen);
  await show(ctx, web, { action, user: now, reason, seen: now.version, problem, changes });
}

/** The changes since the account was looked at, or else the newest. */
async function changesOf(
  { context: { users, readRecentChanges, database } }: Web,
  user: User,
  { changedBy = [] }: UserAction,
  count: number,
): Promise<ChangeRow[]> {
  const changes = await readRecentChanges(user.id, changedBy, Math.min(Math.max(count, 1), MOST_CHANGES));
  const emails = await users.emails(changes.map(({ actor }) => actor).filter((id) => id !== null));
  const now = database.clock.now();
  return changes.map((change) => changeRow(change, emails, now));
}

interface Shown {
  readonly action: UserAction;
  readonly user: User;
  readonly reason: string;
  readonly seen: number;
  readonly error?: string;
  readonly problem?: string;
  readonly changes?: readonly ChangeRow[];
}

function show(
  ctx: Koa.Context,
  web: Web,
  { action, user, reason, seen, error, problem, changes = [] }: Shown,
): Promise<void> {
  const { title, says, button, danger } = action;
  const page = {
    title,
    says,
    button,
    danger,
    person: { email: user.email, href: `${USERS}/${user.id}`, role: user.role, disabled: user.disabledAt !== null },
    action: ctx.path,
    reason,
    seen,
    changes,
    problem: problem ?? null,
    errors: error === undefined ? {} : { reason: error },
  };
  return web.show(ctx, 'operator/act', page, { title, current: 'people', wide: true });
}
