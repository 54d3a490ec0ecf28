// The file of --secrets, and the keys that encrypt what it holds.
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import * as z from 'zod';
import type { ImportSecrets } from '../../core/credentials/imported/imported-hash.ts';
import { readSecretFiles } from '../../secret-files.ts';
import { UsageError } from '../terminal/errors.ts';

const shape = z.strictObject({
  pepper: z.string().min(1).optional(),
  application_salt: z.string().min(1).optional(),
  hash_config: z.record(z.string(), z.unknown()).optional(),
});

/** Says nothing of what stands in the file. */
export async function readSecrets(file: string): Promise<ImportSecrets> {
  const text = await readFile(file, 'utf8');
  const parsed = shape.safeParse(parsedJson(text));
  if (!parsed.success)
    throw new UsageError(`${file} is to be JSON with pepper, application_salt or hash_config, and nothing else.`);
  const { pepper, application_salt, hash_config } = parsed.data;
  return {
    ...(pepper === undefined ? {} : { pepper }),
    ...(application_salt === undefined ? {} : { application_salt }),
    ...(hash_config === undefined ? {} : { hash_config }),
  };
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}

/** Web processes read the secrets at log-ins: they have to be encrypted with the keys that those have. */
export async function requireSecretsKeys(given: NodeJS.ProcessEnv): Promise<NodeJS.ProcessEnv> {
  const { env } = readSecretFiles(given);
  if (env['SECRETS_KEYS']) return {};
  const own = path.join(env['DATA_DIR'] || '.data', 'secrets.json');
  if (!env['DATABASE_URL'] && existsSync(own)) {
    const { secretsKey } = JSON.parse(await readFile(own, 'utf8')) as { readonly secretsKey?: string };
    if (secretsKey) return { SECRETS_KEYS: secretsKey };
  }
  throw new UsageError('--secrets needs the SECRETS_KEYS of the web processes: they encrypt what it holds.');
}
