// What the tables of second factors hold of a person: read for their export, deleted with their account.
import type { Transaction } from '../platform/database.ts';

/** Never a secret or a code. */
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

export async function deleteFactorsWithin(transaction: Transaction, userId: string): Promise<void> {
  await transaction.totp.deleteMany({ where: { userId } });
  await transaction.recoveryCode.deleteMany({ where: { userId } });
  await transaction.passkey.deleteMany({ where: { userId } });
}
