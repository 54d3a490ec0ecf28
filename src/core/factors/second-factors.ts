// An account's second factors: which it has, and whether what somebody gives is one of them. A
// right one counts only once it is used up, in the transaction of what it opens; of two uses at
// once, one is refused there.
import type { Passkey } from '../../generated/prisma/client.ts';
import type { Asker } from '../credentials/hash-queue.ts';
import type { Passwords } from '../credentials/passwords.ts';
import type { Purpose, SecretBox } from '../credentials/secret-box.ts';
import type { Database, Transaction } from '../platform/database.ts';
import type { Passkeys } from './passkeys.ts';
import { createCodeCheck, useCodeWithin } from './recovery-codes.ts';

export type Given =
  | { readonly factor: 'totp'; readonly code: string }
  | { readonly factor: 'recovery_code'; readonly code: string }
  | { readonly factor: 'passkey'; readonly answer: string; readonly owner: Purpose };

/** `late`: a code that was right minutes ago. `used`: one that has been used. */
export type FactorProblem = 'wrong' | 'used' | 'late';

export type Proving =
  | {
      readonly ok: true;
      /** Uses it up; false if that happened elsewhere: then the transaction must be undone. */
      useWithin(transaction: Transaction): Promise<boolean>;
    }
  | { readonly ok: false; readonly reason: FactorProblem };

export interface FactorOverview {
  readonly totpSince: Date | null;
  readonly passkeys: readonly Pick<Passkey, 'id' | 'name' | 'createdAt' | 'lastUsedAt'>[];
  readonly recoveryCodesLeft: number;
}

export interface SecondFactorsOptions {
  readonly database: Database;
  readonly secretBox: SecretBox;
  readonly passwords: Passwords;
  readonly passkeys: Passkeys;
}

export type SecondFactors = ReturnType<typeof createSecondFactors>;

export function totpPurpose(userId: string): Purpose {
  return { purpose: 'totp', owner: userId };
}

export function createSecondFactors({ database: { prisma }, secretBox, passwords, passkeys }: SecondFactorsOptions) {
  async function proveTotp(userId: string, code: string): Promise<Proving> {
    const [row] = await prisma.$queryRaw<{ secret: Uint8Array; last_step: bigint; now: number }[]>`
      SELECT secret, last_step, extract(epoch FROM clock_timestamp())::float8 AS now FROM totp WHERE user_id = ${userId}::uuid`;
    if (!row) return { ok: false, reason: 'wrong' };
    const opened = secretBox.decrypt(row.secret, totpPurpose(userId));
    if (!opened) throw new Error('a TOTP secret was encrypted with a key that SECRETS_KEYS does not list');
    const { checkTotp } = await import('./totp.ts');
    const checked = checkTotp(opened.text, code, { now: Math.floor(row.now), lastStep: Number(row.last_step) });
    if (!checked.ok) return { ok: false, reason: checked.reason };
    const again = opened.stale ? { secret: new Uint8Array(secretBox.encrypt(opened.text, totpPurpose(userId))) } : {};
    return {
      ok: true,
      async useWithin(transaction) {
        const { count } = await transaction.totp.updateMany({
          where: { userId, lastStep: { lt: checked.step } },
          data: { lastStep: checked.step, ...again },
        });
        return count > 0;
      },
    };
  }

  const findCode = createCodeCheck({ passwords });

  async function proveRecoveryCode(userId: string, typed: string, by: Asker): Promise<Proving> {
    const kept = await findCode(prisma, userId, typed, by);
    if (!kept || kept.usedAt) return { ok: false, reason: kept ? 'used' : 'wrong' };
    return { ok: true, useWithin: (transaction) => useCodeWithin(transaction, kept) };
  }

  async function provePasskey(userId: string, answer: string, owner: Purpose): Promise<Proving> {
    const proved = await passkeys.prove(answer, owner, userId);
    if (!proved) return { ok: false, reason: 'wrong' };
    return { ok: true, useWithin: (transaction) => passkeys.useWithin(transaction, proved) };
  }

  return {
    async overview(userId: string): Promise<FactorOverview> {
      const [totp, keys, recoveryCodesLeft] = await Promise.all([
        prisma.totp.findUnique({ where: { userId }, select: { createdAt: true } }),
        prisma.passkey.findMany({
          where: { userId },
          orderBy: { createdAt: 'asc' },
          select: { id: true, name: true, createdAt: true, lastUsedAt: true },
        }),
        prisma.recoveryCode.count({ where: { userId, usedAt: null } }),
      ]);
      return { totpSince: totp?.createdAt ?? null, passkeys: keys, recoveryCodesLeft };
    },

    /** `by` asks for the one hash that a recovery code of an earlier version costs. @throws HashQueueFullError */
    prove(userId: string, given: Given, by: Asker): Promise<Proving> {
      if (given.factor === 'totp') return proveTotp(userId, given.code);
      if (given.factor === 'recovery_code') return proveRecoveryCode(userId, given.code, by);
      return provePasskey(userId, given.answer, given.owner);
    },
  };
}

/** Those of a person, for their export: never a secret or a code. */
export async function readFactorsOf(database: Transaction, userId: string) {
  const [authenticatorApp, recoveryCodesLeft, passkeys] = await Promise.all([
    database.totp.findUnique({ where: { userId }, select: { createdAt: true } }),
    database.recoveryCode.count({ where: { userId, usedAt: null } }),
    database.passkey.findMany({
      where: { userId },
      select: { id: true, name: true, credentialId: true, createdAt: true, lastUsedAt: true },
    }),
  ]);
  return { authenticatorApp, recoveryCodesLeft, passkeys };
}
