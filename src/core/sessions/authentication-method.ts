// How somebody logged in (RFC 8176 calls it amr), and whether that is enough for their account.
import { type Role, seesConsole } from './role.ts';

export const AUTHENTICATION_METHODS = [
  'password',
  'password+totp',
  'password+recovery_code',
  'password+passkey',
  'passkey',
] as const;
export type AuthenticationMethod = (typeof AUTHENTICATION_METHODS)[number];

/** A factor that goes with a password. */
export type SecondFactor = 'totp' | 'recovery_code' | 'passkey';

/** A stored method; one that this version doesn't know counts as the weakest. */
export function readAuthenticationMethod(kept: unknown): AuthenticationMethod {
  return AUTHENTICATION_METHODS.find((method) => method === kept) ?? 'password';
}

/** A passkey is two factors by itself: a thing, unlocked by what its owner knows or is. */
export function isTwoFactors(method: AuthenticationMethod): boolean {
  return method !== 'password';
}

/** Whether it showed the password: a passkey alone does not. */
export function showsPassword(method: AuthenticationMethod): boolean {
  return method !== 'passkey';
}

/** Whether an account of this role must have a second factor. */
export function needsSecondFactor(policy: SecondFactorPolicy, role: Role): boolean {
  return policy === 'everybody' || (policy === 'operators' && seesConsole(role));
}

/** Of whom a second factor is required. */
export type SecondFactorPolicy = 'nobody' | 'operators' | 'everybody';
