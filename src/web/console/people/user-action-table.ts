// What an operator can do to somebody's account: what each action says, and what it does.
import type Koa from 'koa';
import type { AccountChangeResult } from '../../../core/accounts/account-change.ts';
import type { Role, User } from '../../../core/accounts/users.ts';
import type { Actor, AuditEventType } from '../../../core/audit/events.ts';
import type { Context } from '../../../core/context.ts';
import type { Fields } from '../../http/form.ts';
import { isUuid } from '../../http/query.ts';
import { toldByOperator } from '../../view/told.ts';
import { type About, namedSession } from './acted-on.ts';

export interface UserAction {
  readonly path: string;
  readonly title: string;
  readonly says: string;
  readonly button: string;
  readonly danger: boolean;
  /** A key of the notices in page.ts. */
  readonly done: string;
  /** The events by which another operator may have come first. */
  readonly changedBy?: readonly AuditEventType[];
  /** A choice beside the reason; `run` finds it among what was typed. */
  readonly box?: { readonly name: string; readonly label: string; readonly hint: string };
  /** What is shown of what it acts on. */
  readonly about?: readonly About[];
  /** Null once it is done; else why nothing was. */
  readonly run: (context: Context, given: Given) => Promise<string | null>;
}

interface Given {
  readonly user: User;
  readonly by: Required<Actor>;
  readonly ctx: Koa.Context;
  readonly typed: Fields;
}

/** Each moves the account's version by one. */
const STATE_CHANGES = ['user_disabled', 'user_enabled', 'privilege_permissions_changed', 'user_secured'] as const;

const PROBLEMS = {
  no_account: 'This account was deleted meanwhile.',
  unchanged: 'This was done already. Nothing was changed.',
  last_operator:
    'This is the last operator who can act: without them nobody could run the console. Make somebody else an operator first.',
  changed_meanwhile:
    'This account was changed while you decided; below is what changed, and how it stands now. Nothing was done. Look again before you go on.',
} as const;

export const ENDED_ALREADY = 'This session has ended already. There is nothing left to do.';

export const LAST_OPERATOR: string = PROBLEMS.last_operator;

export const USER_ACTIONS = {
  secure: {
    path: 'secure',
    title: 'Secure this account',
    says: 'For an account that somebody else may have got into. All of it at once: every session ends, also at applications; the password is no longer valid, and nobody logs in with it; no browser is known to the account any more; its API tokens are revoked; and its owner is told by mail, with a link to choose a new password.',
    button: 'Secure this account',
    danger: true,
    done: 'account-secured',
    changedBy: STATE_CHANGES,
    about: ['sessions', 'browsers', 'factors', 'mailbox'],
    box: {
      name: 'factors',
      label: 'Remove its second factors too',
      hint: 'For when one of them may be somebody else’s: whoever has a passkey of this account can still log in. Without them the mailbox alone opens it.',
    },
    async run({ secureAccount }, { user, by, typed }) {
      const removesFactors = typed['factors'] === 'on';
      const result = await secureAccount.secure({ userId: user.id, by, removesFactors });
      return result.ok ? null : PROBLEMS[result.reason];
    },
  },
  endSession: {
    path: 'sessions/:sessionId/revoke',
    title: 'End this session',
    says: 'The browser of this session is logged out at once. The person can log in again.',
    button: 'End this session',
    danger: true,
    done: 'session-ended',
    about: ['session'],
    async run(context, { user, by, ctx }) {
      const session = await namedSession(ctx, context, user);
      if (session.endedAt !== null) return ENDED_ALREADY;
      await context.sessions.end({ sessionId: session.id, ownerId: user.id }, ending(by));
      return null;
    },
  },
  endSessions: {
    path: 'sessions/revoke-all',
    title: 'End every session',
    says: 'Every browser of this person is logged out at once. They can log in again. API tokens of theirs go on.',
    button: 'End every session',
    danger: true,
    done: 'sessions-ended',
    about: ['sessions'],
    async run({ sessions }, { user, by }) {
      await sessions.end({ userId: user.id }, ending(by));
      return null;
    },
  },
  disable: {
    path: 'disable',
    title: 'Disable this account',
    says: 'Every session of this person ends at once, their API tokens are revoked, and they can’t log in until the account is enabled again. Nothing is deleted.',
    button: 'Disable this account',
    danger: true,
    done: 'account-disabled',
    changedBy: STATE_CHANGES,
    about: ['session-count'],
    run: setDisabled(true),
  },
  enable: {
    path: 'enable',
    title: 'Enable this account',
    says: 'The person can log in again, with the password and the second factor that they had.',
    button: 'Enable this account',
    danger: false,
    done: 'account-enabled',
    changedBy: STATE_CHANGES,
    run: setDisabled(false),
  },
  makeOperator: {
    path: 'make-operator',
    title: 'Make this person an operator',
    says: 'They can read the whole audit log and act on every account, this one included. Their sessions end; they log in again.',
    button: 'Make them an operator',
    danger: true,
    done: 'role-changed',
    changedBy: STATE_CHANGES,
    about: ['session-count'],
    run: setRole('operator'),
  },
  makeAuditor: {
    path: 'make-auditor',
    title: 'Make this person an auditor',
    says: 'They can read the console, the whole audit log included, and change nothing in it; whatever they look at is recorded. Their sessions end; they log in again.',
    button: 'Make them an auditor',
    danger: true,
    done: 'role-changed',
    changedBy: STATE_CHANGES,
    about: ['session-count'],
    run: setRole('auditor'),
  },
  makeMember: {
    path: 'make-member',
    title: 'Make this person a member',
    says: 'They lose the console. Their sessions end; they log in again.',
    button: 'Make them a member',
    danger: true,
    done: 'role-changed',
    changedBy: STATE_CHANGES,
    about: ['session-count'],
    run: setRole('member'),
  },
  sendReset: {
    path: 'send-reset',
    title: 'Send a link for a new password',
    says: 'A link that works once goes to the e-mail address of this account. The password stays as it is until the link is used; then every session ends. You see neither the link nor the password.',
    button: 'Send the link',
    danger: false,
    done: 'reset-sent',
    async run({ resetLinks }, { user, by, ctx }) {
      const sent = await resetLinks.send(user.id, toldByOperator(ctx), by);
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
    changedBy: ['known_devices_forgotten'],
    about: ['browsers'],
    async run({ devices }, { user, by }) {
      return (await devices.forgetAll(user.id, by)) > 0 ? null : 'No browser is known to this account by now.';
    },
  },
  revokeToken: {
    path: 'tokens/:tokenId/revoke',
    title: 'Revoke this API token',
    says: 'The program that has it reads nothing more from its next request on.',
    button: 'Revoke this token',
    danger: true,
    done: 'token-revoked',
    about: ['token'],
    async run({ apiTokens }, { user, by, ctx }) {
      const id: unknown = ctx['params'].tokenId;
      const isRevoked = isUuid(id) && (await apiTokens.revoke({ id, userId: user.id }, by));
      return isRevoked ? null : 'This token has ended already.';
    },
  },
  removeFactors: {
    path: 'remove-factors',
    title: 'Remove every second factor',
    says: 'The authenticator app, the passkeys and the recovery codes of this account go, and its sessions end. After that the password alone opens it: be sure who is asking. The owner is told by mail.',
    button: 'Remove every second factor',
    danger: true,
    done: 'factors-removed',
    changedBy: ['authn_factor_removed'],
    about: ['factors', 'session-count'],
    async run({ enrolment }, { user, by }) {
      return (await enrolment.removeAll(user.id, by)) ? null : 'This account has no second factor by now.';
    },
  },
} as const satisfies Record<string, UserAction>;

function setRole(role: Role): UserAction['run'] {
  return async ({ users }, { user, by }) => problemOf(await users.setRole(user.id, role, by));
}

function setDisabled(disabled: boolean): UserAction['run'] {
  return async ({ users }, { user, by }) => problemOf(await users.setDisabled(user.id, disabled, by));
}

function problemOf(result: AccountChangeResult): string | null {
  return result.ok ? null : PROBLEMS[result.reason];
}

function ending({ actor, origin, reason }: Required<Actor>) {
  return { reason: 'revoked_by_operator', actor, origin, note: reason } as const;
}
