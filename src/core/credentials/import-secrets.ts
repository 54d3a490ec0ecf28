// The secrets that imported passwords need beside them, such as a pepper: one row each, encrypted with SECRETS_KEYS. The database
// deletes a row with the last password that names it.
import type { RawClient } from '../platform/postgres/raw-client.ts';
import type { SecretBox } from './secret-box.ts';

const boundTo = (id: string) => ({ purpose: 'import_secret', owner: id });

export function encryptImportSecret(secretBox: SecretBox, id: string, value: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(secretBox.encrypt(value, boundTo(id)));
}

/** Locks the row until the end of the transaction, so that it stays for the passwords that name it. */
export async function keepImportSecretWithin(
  client: RawClient,
  id: string,
  encrypted: Uint8Array<ArrayBuffer>,
): Promise<void> {
  await client.$executeRaw`
    INSERT INTO import_secret (id, encrypted) VALUES (${id}::uuid, ${encrypted}::bytea)
    ON CONFLICT (id) DO UPDATE SET encrypted = EXCLUDED.encrypted`;
}
