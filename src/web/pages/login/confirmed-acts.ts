// What a confirmation is for, in words, and where somebody goes who does not want it after all.
import type { Texts } from '../../texts/en.ts';

export type Act = keyof Texts['confirm']['acts'];

interface Known {
  readonly act: Act;
  /** Where the page itself wants the confirmation: the one before it. */
  readonly cancel?: string;
}

/** By where the form was sent, or which page was asked for; the first that fits. */
const KNOWN: readonly (readonly [RegExp, Known])[] = [
  [/^\/account\/password$/, { act: 'password', cancel: '/account/security' }],
  [/^\/account\/email$/, { act: 'email' }],
  [/^\/account\/data$/, { act: 'data' }],
  [/^\/account\/delete$/, { act: 'deletion' }],
  [/^\/account\/sessions\/revoke-others$/, { act: 'otherSessions' }],
  [/^\/account\/sessions(?:\/|$)/, { act: 'session' }],
  [/^\/account\/devices\//, { act: 'browsers' }],
  [/^\/account\/activity\//, { act: 'disowning' }],
  [/^\/account\/security\/authenticator\/remove$/, { act: 'removeApp' }],
  [/^\/account\/security\/authenticator$/, { act: 'app', cancel: '/account/security' }],
  [/^\/account\/security\/passkeys\/new$/, { act: 'passkey', cancel: '/account/security' }],
  [/^\/account\/security\/passkeys\/[^/]+\/remove$/, { act: 'removePasskey' }],
  [/^\/account\/security\/recovery-codes(?:\/|$)/, { act: 'codes', cancel: '/account/security' }],
  [/^\/account\/security\/tokens\//, { act: 'token' }],
  [/^\/account\/security$/, { act: 'security' }],
  [/^\/applications\/enter$/, { act: 'application', cancel: '/applications' }],
  [/^\/operator\/audit\/export$/, { act: 'export', cancel: '/operator/audit' }],
  [/^\/operator\//, { act: 'operator' }],
];

/** `sentTo` is where a form waits that was sent too late; null where a page was asked for. */
export function actOf(next: string | null, sentTo: string | null): { act: Act; cancel: string } {
  const page = next ?? '/profile';
  const asked = sentTo ?? page.replace(/\?.*$/s, '');
  const known = KNOWN.find(([pattern]) => pattern.test(asked))?.[1];
  return { act: known?.act ?? 'other', cancel: known?.cancel ?? page };
}
