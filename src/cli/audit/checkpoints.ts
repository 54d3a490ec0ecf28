// `audit checkpoints` and `audit public-key`: what to keep elsewhere, to verify the log with.
import { commandEnvironment, withPool } from '../connect.ts';
import { say } from '../terminal/output.ts';
import { publicKeysOf } from './public-keys.ts';

export async function printCheckpoints(): Promise<void> {
  const { storedCheckpoints } = await import('../../core/audit/verification/checkpoint-records.ts');
  await withPool(async (pool) => {
    for (const checkpoint of await storedCheckpoints(pool)) say(JSON.stringify(checkpoint));
  });
}

export async function printPublicKeys(): Promise<void> {
  const keys = await publicKeysOf(await commandEnvironment(process.env));
  if (keys.length === 0) throw new Error('Neither AUDIT_SIGNING_KEY nor AUDIT_PUBLIC_KEYS is set.');
  for (const key of keys) say(key);
}
