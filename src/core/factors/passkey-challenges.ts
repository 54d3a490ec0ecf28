// What a passkey signs: random, good once, for five minutes, one purpose and one browser or
// session. Nothing is kept of a challenge until it was answered, so that a visitor who only looks
// at the log-in page costs no row.
import { randomBytes } from 'node:crypto';
import { Prisma } from '../../generated/prisma/client.ts';
import { hashToken } from '../credentials/random-token.ts';
import type { Purpose, SecretBox } from '../credentials/secret-box.ts';
import { ago, type Database, deleteSome, type Transaction } from '../platform/database.ts';

const RANDOM_BYTES = 16;
const MOMENT_BYTES = 6;
const BODY_BYTES = RANDOM_BYTES + MOMENT_BYTES;
const LIFE_MS = 5 * 60_000;
const USED_KEPT_MS = 86_400_000;

export type PasskeyChallenges = ReturnType<typeof createPasskeyChallenges>;

export function createPasskeyChallenges({
  database: { clock },
  secretBox,
}: {
  database: Pick<Database, 'clock'>;
  secretBox: SecretBox;
}) {
  return {
    /** `owner` is what only this browser or session has: its secret cookie, or its id. */
    issue({ purpose, owner }: Purpose): Buffer {
      const moment = Buffer.alloc(MOMENT_BYTES);
      moment.writeUIntBE(clock.now().getTime(), 0, MOMENT_BYTES);
      const body = Buffer.concat([randomBytes(RANDOM_BYTES), moment]);
      return Buffer.concat([body, secretBox.sign(body, { purpose, owner })]);
    },

    isOurs(challenge: string, { purpose, owner }: Purpose): boolean {
      const bytes = Buffer.from(challenge.slice(0, 200), 'base64url');
      if (bytes.length <= BODY_BYTES) return false;
      const body = bytes.subarray(0, BODY_BYTES);
      const ageMs = clock.now().getTime() - body.readUIntBE(RANDOM_BYTES, MOMENT_BYTES);
      return Math.abs(ageMs) <= LIFE_MS && secretBox.isSigned(body, bytes.subarray(BODY_BYTES), { purpose, owner });
    },

    /** In the transaction of what it led to; false if it was answered before. */
    async useWithin(transaction: Transaction, challenge: string): Promise<boolean> {
      const hash = hashToken(challenge);
      const rows = await transaction.$executeRaw`
        INSERT INTO used_challenge (hash) VALUES (${hash}) ON CONFLICT DO NOTHING`;
      return rows > 0;
    },
  };
}

/** Deletes answered challenges that have long expired, at most `limit`; returns how many. */
export function deleteUsedChallenges(transaction: Transaction, limit: number): Promise<number> {
  const where = Prisma.sql`used_at < ${ago(USED_KEPT_MS)}`;
  return deleteSome(transaction, { from: 'used_challenge', where, limit });
}
