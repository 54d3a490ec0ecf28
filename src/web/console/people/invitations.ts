// Invitations that wait to be accepted: the list, and what can be done to one of them. Each act says
// first what will happen, asks for a reason, needs a recent login and is recorded.
import type Router from '@koa/router';
import type Koa from 'koa';
import type { InvitationState, PendingInvitation } from '../../../core/self-service/pending-invitations.ts';
import { readBody } from '../../http/form.ts';
import { HttpError } from '../../http/http-error.ts';
import { isUuid } from '../../http/query.ts';
import { seeOther } from '../../http/redirect.ts';
import { requireConsole, requireOperator, requireRecentLogin } from '../../session/access.ts';
import { typedBefore } from '../../session/kept-form.ts';
import { actorOf } from '../../session/member.ts';
import type { Times } from '../../texts/zoned-times.ts';
import type { InvitationRow } from '../../view/console-views.ts';
import { doneNotice, timesOf, type Web } from '../../view/page.ts';
import { toldOf } from '../../view/told.ts';
import { readReason } from '../reason.ts';

const PATH = '/operator/users/invitations';
const LIMIT = 200;

const STATES: Readonly<Record<InvitationState, string>> = {
  waiting: 'mail waits',
  sent: 'mail sent',
  failed: 'mail failed',
  given: 'link given out',
  expired: 'expired',
};

interface Act {
  readonly path: string;
  readonly title: string;
  readonly says: (possible: boolean) => string;
  readonly button: string;
  readonly danger: boolean;
  readonly run: (ctx: Koa.Context, web: Web, invitation: PendingInvitation, reason: string) => Promise<string | null>;
}

const GONE = 'This invitation was accepted, revoked or forgotten meanwhile. Nothing was done.';
const TAKEN = 'There is an account with this e-mail address by now. Nothing was sent.';

const ACTS: readonly Act[] = [
  {
    path: 'send-again',
    title: 'Send the invitation again',
    says: (possible) =>
      possible
        ? 'They get a mail with a new link. It works once, for 7 days; the link before works no longer.'
        : 'No mail is possible: you get a new link to hand over. It works once, for 7 days; the link before works no longer.',
    button: 'Send it again',
    danger: false,
    run: sendAgain,
  },
  {
    path: 'revoke',
    title: 'Revoke the invitation',
    says: () => 'Its link works no longer. Nobody is told; you can invite this e-mail address again.',
    button: 'Revoke it',
    danger: true,
    async run(ctx, { context }, { id }, reason) {
      if (!(await context.pendingInvitations.revoke(id, { ...actorOf(ctx), reason }))) return GONE;
      seeOther(ctx, `${PATH}?done=invitation-revoked`);
      return null;
    },
  },
];

/** Before the pages of people, whose ids stand in the same place. */
export function invitationsPages(router: Router, web: Web): void {
  const operator = requireOperator(web.context);
  router.get(PATH, requireConsole(web.context), (ctx) => showList(ctx, web));
  for (const act of ACTS) {
    const path = `${PATH}/:id/${act.path}`;
    router.get(path, operator, (ctx) => openAct(ctx, web, act));
    router.post(path, operator, requireRecentLogin(web.context, path), (ctx) => doAct(ctx, web, act));
  }
}

async function showList(ctx: Koa.Context, web: Web): Promise<void> {
  const { pendingInvitations, users } = web.context;
  const found = await pendingInvitations.list(LIMIT);
  const emails = await users.emails(found.map(({ invitedBy }) => invitedBy).filter((id) => id !== null));
  const times = timesOf(ctx);
  const page = {
    rows: found.map((one) => invitationRow(one, emails, times)),
    count: `${found.length === LIMIT ? 'the newest ' : ''}${found.length} pending`,
    asOf: times.clock(times.now),
  };
  const frame = { title: 'Invitations', current: 'people', wide: true, notice: doneNotice(ctx) } as const;
  await web.show(ctx, 'operator/invitations', page, frame);
}

function invitationRow(
  invitation: PendingInvitation,
  emails: ReadonlyMap<string, string>,
  times: Times,
): InvitationRow {
  const { id, email, invitedBy, invitedAt, state, worksUntil } = invitation;
  const by =
    invitedBy === null ? null : { email: emails.get(invitedBy) ?? invitedBy, href: `/operator/users/${invitedBy}` };
  return {
    id,
    email,
    by,
    at: times.clock(invitedAt),
    state: STATES[state],
    wrong: state === 'failed' || state === 'expired',
    until: worksUntil && times.clock(worksUntil),
    acts: ACTS.map(({ path, button, danger }) => ({ href: `${PATH}/${id}/${path}`, label: button, danger })),
  };
}

/** @throws HttpError 404 for an invitation that is no longer pending. */
async function named(ctx: Koa.Context, { context }: Web): Promise<PendingInvitation> {
  const id: unknown = ctx['params'].id;
  const found = isUuid(id) ? await context.pendingInvitations.find(id) : null;
  if (!found) throw new HttpError(404, 'no_invitation');
  return found;
}

async function openAct(ctx: Koa.Context, web: Web, act: Act): Promise<void> {
  const invitation = await named(ctx, web);
  const { reason = '' } = typedBefore(ctx, web.context);
  await showAct(ctx, web, { act, invitation, reason });
}

async function doAct(ctx: Koa.Context, web: Web, act: Act): Promise<void> {
  const invitation = await named(ctx, web);
  const { reason, problem: error } = readReason(await readBody(ctx));
  if (error !== null) {
    ctx.status = 422;
    return showAct(ctx, web, { act, invitation, reason, error });
  }
  const problem = await act.run(ctx, web, invitation, reason);
  if (problem === null) return;
  ctx.status = 409;
  await showAct(ctx, web, { act, invitation, reason, problem });
}

async function sendAgain(ctx: Koa.Context, web: Web, invitation: PendingInvitation, reason: string) {
  const { pendingInvitations, config } = web.context;
  const result = await pendingInvitations.sendAgain(invitation, toldOf(ctx), { ...actorOf(ctx), reason });
  if (!result.ok) return result.reason === 'gone' ? GONE : TAKEN;
  if (result.secret === null) {
    seeOther(ctx, `${PATH}?done=invited`);
    return null;
  }
  const link = `${config.publicOrigin}/invitation?token=${result.secret}`;
  const page = { email: invitation.email, auditor: false, problem: null, errors: {}, link, possible: false };
  await web.show(ctx, 'operator/invite', page, { title: 'Invitation', current: 'people', wide: true });
  return null;
}

interface Shown {
  readonly act: Act;
  readonly invitation: PendingInvitation;
  readonly reason: string;
  readonly error?: string;
  readonly problem?: string;
}

async function showAct(ctx: Koa.Context, web: Web, { act, invitation, reason, error, problem }: Shown): Promise<void> {
  const { title, says, button, danger } = act;
  const { invitedBy } = invitation;
  const emails = await web.context.users.emails(invitedBy === null ? [] : [invitedBy]);
  const page = {
    title,
    button,
    danger,
    says: says(web.context.mail.possible),
    invitation: invitationRow(invitation, emails, timesOf(ctx)),
    action: ctx.path,
    back: PATH,
    reason,
    problem: problem ?? null,
    errors: error === undefined ? {} : { reason: error },
  };
  return web.show(ctx, 'operator/invitation-act', page, { title, current: 'people', wide: true });
}
