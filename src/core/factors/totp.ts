// Codes of an authenticator app (RFC 6238): six digits, thirty seconds, SHA-1 as every app has it.
// Says which step a code belongs to; that a step is used once is up to the caller. Imported when
// needed: it brings cryptography of its own.
import { generateSecret, generateURI, verifySync } from 'otplib';
import { plainCode } from './typed-code.ts';

const PERIOD_SECONDS = 30;
const TOLERANCE_SECONDS = PERIOD_SECONDS;
/** A code this old is `late`, not `wrong`: that helps its owner and nobody else. */
const LATE_SECONDS = 600;

export type CodeCheck =
  | { readonly ok: true; readonly step: number }
  | { readonly ok: false; readonly reason: 'wrong' | 'used' | 'late' };

/** 160 bits, in base32. */
export function newTotpSecret(): string {
  return generateSecret({ length: 20 });
}

export function totpUri({
  secret,
  email,
  serviceName,
}: {
  secret: string;
  email: string;
  serviceName: string;
}): string {
  return generateURI({ issuer: serviceName, label: email, secret });
}

/** `now` in seconds since 1970; `lastStep` is the last one that was used. */
export function checkTotp(
  secret: string,
  typed: string,
  { now, lastStep }: { now: number; lastStep: number },
): CodeCheck {
  const token = plainCode(typed);
  if (!/^\d{6}$/.test(token)) return { ok: false, reason: 'wrong' };
  const step = stepOf(secret, token, now, [TOLERANCE_SECONDS, TOLERANCE_SECONDS]);
  if (step !== null) return step > lastStep ? { ok: true, step } : { ok: false, reason: 'used' };
  return { ok: false, reason: stepOf(secret, token, now, [LATE_SECONDS, 0]) === null ? 'wrong' : 'late' };
}

function stepOf(secret: string, token: string, epoch: number, epochTolerance: [number, number]): number | null {
  const result = verifySync({ secret, token, epoch, epochTolerance });
  return result.valid && 'timeStep' in result ? result.timeStep : null;
}
