// `audit checkpoints` and `audit public-key`: what to keep elsewhere, to verify the log with.
import { withContext } from '../connect.ts';

export async function printCheckpoints(): Promise<void> {
  await withContext(async ({ checkpoints }) => {
    for (const checkpoint of await checkpoints.all()) process.stdout.write(`${JSON.stringify(checkpoint)}\n`);
  });
}

export async function printPublicKeys(): Promise<void> {
  await withContext(async ({ config: { audit } }) => {
    const keys = [...(audit.signingKey ? [audit.signingKey.publicText] : []), ...audit.publicKeys];
    if (keys.length === 0) throw new Error('Neither AUDIT_SIGNING_KEY nor AUDIT_PUBLIC_KEYS is set.');
    for (const key of new Set(keys)) process.stdout.write(`${key}\n`);
  });
}
