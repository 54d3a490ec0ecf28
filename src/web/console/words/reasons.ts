// Codes of the log's details in words: why something was refused, and why a session ended.
import type { EndReason } from '../../../core/sessions/session-record.ts';

const ENDINGS: Readonly<Record<EndReason, string>> = {
  logged_out: 'its owner logged out',
  replaced: 'a newer session of the same browser took its place',
  revoked: 'its owner ended it',
  revoked_by_operator: 'an operator ended it',
  password_changed: 'the password was changed',
  email_changed: 'the e-mail address was changed',
  role_changed: 'the role was changed',
  account_disabled: 'the account was disabled',
  account_deleted: 'the account was deleted',
  second_factor_added: 'a second factor was set up',
  too_many_sessions: 'the account had too many sessions',
  entry_lost: 'the application may no longer be entered',
  expired: 'it was idle too long, or reached its longest life',
};

const REFUSALS = new Map<string, string>(
  Object.entries({
    wrong_password: 'wrong password',
    no_password: 'the account has no password',
    unknown_account: 'no such account',
    old_system_silent: 'no such account, and the old system could not be asked',
    account_disabled: 'account disabled',
    account_changed: 'account changed meanwhile',
    wrong_factor: 'wrong code',
    dead_link: 'the link is used, replaced or too old',
    stale_form: 'the form was open too long',
    foreign_session: 'a session of somebody else',
  }),
);

const CODE = /^[a-z]+(_[a-z]+)+$/;

export function endingWords(reason: string): string {
  return Object.hasOwn(ENDINGS, reason) ? ENDINGS[reason as EndReason] : plain(reason);
}

export function refusalWords(reason: string): string {
  return REFUSALS.get(reason) ?? plain(reason);
}

/** In words, or null for what is no code: a number, a text that somebody wrote. */
export function codeWords(value: string): string | null {
  if (!CODE.test(value) && !Object.hasOwn(ENDINGS, value)) return null;
  return REFUSALS.get(value) ?? endingWords(value);
}

function plain(code: string): string {
  return code.replaceAll('_', ' ');
}
