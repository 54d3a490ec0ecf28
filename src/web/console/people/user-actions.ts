// What an operator can do to somebody's account. Each act says first what will happen and asks for a reason, needs a recent
// log-in, is recorded with its reason, and counts in every process from the next request on.
import type Router from '@koa/router';
import type Koa from 'koa';
import type { AccountChangeResult, Role, User } from '../../../core/accounts/users.ts';
import type { Actor, AuditEventType } from '../../../core/audit/events.ts';
import { readBody } from '../../http/form.ts';
import { HttpError } from '../../http/http-error.ts';
import { isUuid } from '../../http/query.ts';
import { seeOther } from '../../http/redirect.ts';
import { requireOperator, requireRecentLogin } from '../../session/access.ts';
import { actorOf } from '../../session/member.ts';
import type { ChangeRow } from '../../view/console-views.ts';
import type { Web } from '../../view/page.ts';
import { toldOf } from '../../view/told.ts';
import { changeRow } from './change-row.ts';

const PATH = '/operator/users/:id';
const MAX_REASON = 300;
const MOST_CHANGES = 5;
/** What changes the state that most acts decide on; each moves the account's version by one. */
const STATE_CHANGES = ['user_disabled', 'user_enabled', 'privilege_permissions_changed'] as const;

interface Shown {
  readonly reason: string;
  readonly seen: number;
  readonly error?: string;
  readonly problem?: string;
  readonly changes?: readonly ChangeRow[];
}

interface Act {
  /** Below the person's page. */
  readonly path: string;
  readonly title: string;
  /** What will happen. */
  readonly says: string;
  readonly button: string;
  readonly danger: boolean;
  /** What is said when it is done: a key of the notices in page.ts. */
  readonly done: string;
  /** The events by which somebody else may have come first. */
  readonly toldBy?: readonly AuditEventType[];
  /** Null when it was done; else why nothing was. */
  readonly run: (given: { user: User; by: Required<Actor>; ctx: Koa.Context }) => Promise<string | null>;
}

export function userActions(router: Router, web: Web): void {
  const { users, readRecentChanges } = web.context;
  for (const act of Object.values(actsOf(web))) {
    const path = `${PATH}/${act.path}`;
    const guards = [requireOperator(web.context), requireRecentLogin(web.context, path)] as const;

    router.get(path, ...guards, async (ctx) => {
      const user = await find(ctx);
      await web.noteRead(ctx, [user.id], 'account');
      await show(ctx, act, user, { reason: '', seen: user.version });
    });

    router.post(path, ...guards, async (ctx) => {
      const user = await find(ctx);
      const fields = await readBody(ctx);
      const reason = (fields['reason'] ?? '').trim();
      const seen = Number.parseInt(fields['seen'] ?? '', 10);
      const given = { reason, seen: Number.isSafeInteger(seen) ? seen : user.version };
      const error = reasonProblem(reason);
      if (error !== null) {
        ctx.status = 422;
        return show(ctx, act, user, { ...given, error });
      }
      const by = { ...actorOf(ctx), ...given };
      const problem = await act.run({ user, by, ctx });
      if (problem === null) return seeOther(ctx, `/operator/users/${user.id}?done=${act.done}`);
      ctx.status = 409;
      const now = (await users.find(user.id)) ?? user;
      const changes = problem === PROBLEMS.last_operator ? [] : await changesOf(now, act, now.version - given.seen);
      await show(ctx, act, now, { reason, seen: now.version, problem, changes });
    });
  }

  /** What came first: as many changes as there were since the account was looked at, or else the newest. */
  async function changesOf(user: User, { toldBy = [] }: Act, count: number): Promise<ChangeRow[]> {
    const changes = await readRecentChanges(user.id, toldBy, Math.min(Math.max(count, 1), MOST_CHANGES));
    const actors = changes.map(({ actor }) => actor).filter((id) => id !== null);
    const emails = await users.emails(actors);
    const now = new Date();
    return changes.map((change) => changeRow(change, emails, now));
  }

  async function find(ctx: Koa.Context): Promise<User> {
    const id: unknown = ctx['params'].id;
    const user = isUuid(id) ? await users.find(id) : null;
    if (!user) throw new HttpError(404, 'no_account');
    return user;
  }

  function show(
    ctx: Koa.Context,
    act: Act,
    user: User,
    { reason, seen, error, problem, changes = [] }: Shown,
  ): Promise<void> {
    const page = {
      title: act.title,
      says: act.says,
      button: act.button,
      danger: act.danger,
      person: {
        email: user.email,
        href: `/operator/users/${user.id}`,
        role: user.role,
        disabled: user.disabledAt !== null,
      },
      action: ctx.path,
      reason,
      seen,
      changes,
      problem: problem ?? null,
      errors: error === undefined ? {} : { reason: error },
    };
    return web.show(ctx, 'operator/act', page, { title: act.title, current: 'people', wide: true });
  }
}

function reasonProblem(reason: string): string | null {
  if (reason === '') return 'Say why: the reason is recorded.';
  return reason.length > MAX_REASON ? `Use at most ${MAX_REASON} characters.` : null;
}

/** Every act, by name; the page of a person links to those that apply. */
function actsOf({ context }: Web) {
  const { users, sessions, devices, enrolment, passwordResets } = context;
  const setRole = (role: Role): Act['run'] => {
    return async ({ user, by }) => problemOf(await users.setRole(user.id, role, by));
  };
  const setDisabled = (disabled: boolean): Act['run'] => {
    return async ({ user, by }) => problemOf(await users.setDisabled(user.id, disabled, by));
  };
  const ending = ({ actor, origin, reason }: Required<Actor>) =>
    ({ reason: 'revoked_by_operator', actor, origin, note: reason }) as const;

  return {
    endSession: {
      path: 'sessions/:sessionId/revoke',
      title: 'End this session',
      says: 'The browser of this session is logged out at once. The person can log in again.',
      button: 'End this session',
      danger: true,
      done: 'session-ended',
      async run({ user, by, ctx }) {
        const sessionId: unknown = ctx['params'].sessionId;
        if (!isUuid(sessionId)) throw new HttpError(404, 'no_session');
        await sessions.end({ sessionId, ownerId: user.id }, ending(by));
        return null;
      },
    },
    endSessions: {
      path: 'sessions/revoke-all',
      title: 'End every session',
      says: 'Every browser of this person is logged out at once. They can log in again.',
      button: 'End every session',
      danger: true,
      done: 'sessions-ended',
      async run({ user, by }) {
        await sessions.end({ userId: user.id }, ending(by));
        return null;
      },
    },
    disable: {
      path: 'disable',
      title: 'Disable this account',
      says: 'Every session of this person ends at once, and they can’t log in until the account is enabled again. Nothing is deleted.',
      button: 'Disable this account',
      danger: true,
      done: 'account-disabled',
      toldBy: STATE_CHANGES,
      run: setDisabled(true),
    },
    enable: {
      path: 'enable',
      title: 'Enable this account',
      says: 'The person can log in again, with the password and the second factor that they had.',
      button: 'Enable this account',
      danger: false,
      done: 'account-enabled',
      toldBy: STATE_CHANGES,
      run: setDisabled(false),
    },
    makeOperator: {
      path: 'make-operator',
      title: 'Make this person an operator',
      says: 'They can read the whole audit log and act on every account, this one included. Their sessions end; they log in again.',
      button: 'Make them an operator',
      danger: true,
      done: 'role-changed',
      toldBy: STATE_CHANGES,
      run: setRole('operator'),
    },
    makeMember: {
      path: 'make-member',
      title: 'Make this person a member',
      says: 'They lose the console. Their sessions end; they log in again.',
      button: 'Make them a member',
      danger: true,
      done: 'role-changed',
      toldBy: STATE_CHANGES,
      run: setRole('member'),
    },
    sendReset: {
      path: 'send-reset',
      title: 'Send a link for a new password',
      says: 'A link that works once goes to the address of this account. The password stays as it is until the link is used; then every session ends. You see neither the link nor the password.',
      button: 'Send the link',
      danger: false,
      done: 'reset-sent',
      async run({ user, by, ctx }) {
        // The owner learns that an operator did it, and nothing of where the operator sits.
        const told = {
          ...toldOf(ctx),
          from: { at: new Date().toISOString(), device: 'the operators’ console', ip: null },
        };
        const sent = await passwordResets.send(user.id, told, by);
        return sent ? null : 'Nothing was sent: the account is disabled, or no mail is set up.';
      },
    },
    forgetBrowsers: {
      path: 'forget-browsers',
      title: 'Forget the known browsers',
      says: 'No browser is known to this account any more: while somebody guesses at its password, even its owner’s browsers wait. Sessions go on.',
      button: 'Forget the known browsers',
      danger: true,
      done: 'their-browsers-forgotten',
      toldBy: ['known_devices_forgotten'],
      async run({ user, by }) {
        return (await devices.forgetAll(user.id, by)) > 0 ? null : 'No browser is known to this account by now.';
      },
    },
    removeFactors: {
      path: 'remove-factors',
      title: 'Remove every second factor',
      says: 'The authenticator app, the passkeys and the recovery codes of this account go, and its sessions end. After that the password alone opens it: be sure who is asking. The owner is told by mail.',
      button: 'Remove every second factor',
      danger: true,
      done: 'factors-removed',
      toldBy: ['authn_factor_removed'],
      async run({ user, by }) {
        return (await enrolment.removeAll(user.id, by)) ? null : 'This account has no second factor by now.';
      },
    },
  } as const satisfies Record<string, Act>;
}

function problemOf(result: AccountChangeResult): string | null {
  return result.ok ? null : PROBLEMS[result.reason];
}

const PROBLEMS = {
  no_account: 'This account was deleted meanwhile.',
  unchanged: 'This was done already. Nothing was changed.',
  last_operator:
    'This is the last operator who can act: without them nobody could run the console. Make somebody else an operator first.',
  changed_meanwhile:
    'This account was changed while you decided; below is what changed, and how it stands now. Nothing was done. Look again before you go on.',
} as const;
