// What somebody proved when their session began, and whether that is enough for who they are.

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

/** A proof as it was kept; one that this version doesn't know counts as the least. */
export function readAuthenticationMethod(kept: unknown): AuthenticationMethod {
  return AUTHENTICATION_METHODS.find((proof) => proof === kept) ?? 'password';
}

/** A passkey is two factors by itself: it is had, and unlocked by what its owner knows or is. */
export function isTwoFactors(proof: AuthenticationMethod): boolean {
  return proof !== 'password';
}

/** Whether an account of this role must have a second factor. */
export function needsSecondFactor(policy: SecondFactorPolicy, role: 'member' | 'operator'): boolean {
  return policy === 'everybody' || (policy === 'operators' && role === 'operator');
}

/** Of whom a second factor is required. */
export type SecondFactorPolicy = 'nobody' | 'operators' | 'everybody';
