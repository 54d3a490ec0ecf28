// What happened to an account, as a sentence.
import type { Activity } from '../../../core/audit/reading/activity.ts';
import { readAuthenticationMethod } from '../../../core/sessions/authentication-method.ts';
import type { Texts } from '../../texts/en.ts';

type Words = Texts['activity'];

export function inWords({ type, detail }: Activity, { activity: words, methods }: Texts): string {
  const word = (name: string) => String(detail[name] ?? '');
  switch (type) {
    case 'authn_login_success':
      return words.loggedIn(methods[readAuthenticationMethod(detail['proved'])]);
    case 'authn_login_fail':
      return words.failed[failureOf(word('reason'))];
    case 'authn_new_device':
      return pick(words.newDevice, word('new')) ?? words.newDevice['browser and address'];
    case 'authn_factor_added':
      return pick(words.factors, `${word('factor')}_added`) ?? words.factors.passkey_added;
    case 'authn_factor_removed':
      return pick(words.factors, `${word('factor')}_removed`) ?? words.factors.all_removed;
    case 'session_ended':
      return pick(words.ended, word('reason')) ?? words.ended.other;
    case 'privilege_permissions_changed':
      return pick(words.roles, word('role')) ?? words.roles.member;
    default:
      return words.says[type];
  }
}

/** The log names what was wrong as `wrong_totp`, `used_passkey`, `wrong_password` and the like. */
function failureOf(reason: string): keyof Words['failed'] {
  if (reason === 'account_disabled') return 'disabled';
  const what = /^(?:wrong|used|late)_(password|totp|recovery_code|passkey)$/.exec(reason)?.[1];
  return (what as keyof Words['failed'] | undefined) ?? 'other';
}

function pick(table: Readonly<Record<string, string>>, name: string): string | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}
