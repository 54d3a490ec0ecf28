// What `up` makes up once for a data folder and keeps: the processes' database passwords and the key that signs cookies.

import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { readIfThere } from './process.ts';
import { writePrivate } from './secret-file.ts';

export interface Secrets {
  /** Part of the names of the database roles, so that two installations may share a server. */
  installation: string;
  webPassword: string;
  workerPassword: string;
  sessionKey: string;
}

/** The kept secrets; what is missing is made and kept. */
export function keptSecrets(dataDir: string): Secrets {
  const file = path.join(dataDir, 'secrets.json');
  const kept = JSON.parse(readIfThere(file) ?? '{}') as Partial<Secrets>;
  const secret = () => randomBytes(32).toString('base64url');
  const secrets: Secrets = {
    installation: randomBytes(4).toString('hex'),
    webPassword: secret(),
    workerPassword: secret(),
    sessionKey: secret(),
    ...kept,
  };
  writePrivate(file, `${JSON.stringify(secrets, null, 2)}\n`);
  return secrets;
}

/** The owner's URL with another role in it. */
export function asRole(ownerUrl: string, role: string, password: string): string {
  const url = new URL(ownerUrl);
  url.username = role;
  url.password = password;
  return url.href;
}
