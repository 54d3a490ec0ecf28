// The pages of what an operator can do to somebody's account. Each says first what will happen and
// asks for a reason, needs a recent login, is recorded with its reason, and counts in every process
// from the next request.
import type Router from '@koa/router';
import type Koa from 'koa';
import type { User } from '../../../core/accounts/users.ts';
import { type Fields, readBody } from '../../http/form.ts';
import { seeOther } from '../../http/redirect.ts';
import { requireOperator, requireRecentLogin } from '../../session/access.ts';
import { typedBefore } from '../../session/kept-form.ts';
import { actorOf, memberOf } from '../../session/member.ts';
import type { ChangeRow } from '../../view/console-views.ts';
import { timesOf, type Web } from '../../view/page.ts';
import { readReason } from '../reason.ts';
import { actedOn } from './acted-on.ts';
import { changeRow } from './change-row.ts';
import { findUser, USERS } from './find-user.ts';
import { ENDED_ALREADY, LAST_OPERATOR, USER_ACTIONS, type UserAction } from './user-action-table.ts';

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
  const typed = typedBefore(ctx, web.context);
  await show(ctx, web, { action, user, reason: typed['reason'] ?? '', typed, seen: user.version });
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
    return show(ctx, web, { action, user, reason, typed: fields, seen, error });
  }
  const problem = await action.run(web.context, { user, by: { ...actorOf(ctx), reason, seen }, ctx, typed: fields });
  if (problem === null) return seeOther(ctx, `${USERS}/${user.id}?done=${action.done}`);
  const now = await findUser(ctx, web);
  if (!now) return;
  ctx.status = 409;
  const changes =
    problem === LAST_OPERATOR ? [] : await changesOf(ctx, web, { user: now, action, count: now.version - seen });
  await show(ctx, web, { action, user: now, reason, typed: fields, seen: now.version, problem, changes });
}

/** The changes since the account was looked at, or else the newest. */
async function changesOf(
  ctx: Koa.Context,
  { context: { users, readRecentChanges } }: Web,
  { user, action: { changedBy = [] }, count }: { user: User; action: UserAction; count: number },
): Promise<ChangeRow[]> {
  const changes = await readRecentChanges(user.id, changedBy, Math.min(Math.max(count, 1), MOST_CHANGES));
  const emails = await users.emails(changes.map(({ actor }) => actor).filter((id) => id !== null));
  const times = timesOf(ctx);
  return changes.map((change) => changeRow(change, emails, times));
}

interface Shown {
  readonly action: UserAction;
  readonly user: User;
  readonly reason: string;
  readonly typed: Fields;
  readonly seen: number;
  readonly error?: string;
  readonly problem?: string;
  readonly changes?: readonly ChangeRow[];
}

const OWN = 'This is your own account: your session ends too, and you choose a new password before you can go on.';

async function show(
  ctx: Koa.Context,
  web: Web,
  { action, user, reason, typed, seen, error, problem, changes = [] }: Shown,
): Promise<void> {
  const { title, says, button, danger, about = [], box } = action;
  const { sessions, facts, hasFactors } = await actedOn(ctx, web, user, about);
  const hasEnded = about[0] === 'session' && sessions.every(({ state }) => !state.live);
  const page = {
    title,
    says: action === USER_ACTIONS.secure && user.id === memberOf(ctx).userId ? `${says} ${OWN}` : says,
    button,
    danger,
    person: { email: user.email, href: `${USERS}/${user.id}`, role: user.role, disabled: user.disabledAt !== null },
    sessions,
    facts,
    possible: !hasEnded,
    action: ctx.path,
    reason,
    box: box === undefined || hasFactors === false ? null : { ...box, checked: typed[box.name] === 'on' },
    seen,
    changes,
    problem: problem ?? (hasEnded ? ENDED_ALREADY : null),
    errors: error === undefined ? {} : { reason: error },
  };
  return web.show(ctx, 'operator/act', page, { title, current: 'people', wide: true });
}
