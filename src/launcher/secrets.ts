// What `up` makes up once for a data folder and keeps: the processes' database passwords, the key that signs cookies, the one
// that seals secrets in the database, and the one that signs the checkpoints of the audit log.
import { createPrivateKey, createPublicKey, randomBytes } from 'node:crypto';
import path from 'node:path';
import { readKept, writePrivate } from './machine/files.ts';

export interface Secrets {
  /** Part of the names of the database roles, so that two installations may share a server. */
  installation: string;
  webPassword: string;
  workerPassword: string;
  sessionKey: string;
  /** The 32 bytes of an Ed25519 key, in hexadecimal. */
  auditSigningKey: string;
  secretsKey: string;
}

/** What is missing is made and kept. A file that has everything is left alone: it stays its owner's, whoever starts Holdfast. */
export function keptSecrets(dataDir: string): Secrets {
  const file = path.join(dataDir, 'secrets.json');
  const kept = readSecrets(file);
  const secret = () => randomBytes(32).toString('base64url');
  const secrets: Secrets = {
    installation: randomBytes(4).toString('hex'),
    webPassword: secret(),
    workerPassword: secret(),
    sessionKey: secret(),
    auditSigningKey: randomBytes(32).toString('hex'),
    secretsKey: secret(),
    ...kept,
  };
  if (Object.keys(secrets).some((name) => !Object.hasOwn(kept, name)))
    writePrivate(file, `${JSON.stringify(secrets, null, 2)}\n`);
  return secrets;
}

/** Made anew they would lock out what is there: so a file that is damaged or can't be read stops the start. */
function readSecrets(file: string): Partial<Secrets> {
  const text = readKept(file) ?? '{}';
  try {
    return JSON.parse(text) as Partial<Secrets>;
  } catch {
    throw new Error(`${file} is damaged. Bring it back from a backup: it holds the keys of this installation.`);
  }
}

/** The same server and database, as another role: the owner may stand before the host or among the parameters. */
export function asRole(ownerUrl: string, role: string, password: string): string {
  const [, scheme = '', authority = '', path = '', search = ''] =
    /^(\w+:\/\/)([^/?]*)([^?]*)\??(.*)$/.exec(ownerUrl) ?? [];
  const login = `${encodeURIComponent(role)}:${encodeURIComponent(password)}`;
  const host = authority.slice(authority.lastIndexOf('@') + 1);
  const others = search.split('&').filter((pair) => pair !== '' && !/^(user|password)=/.test(pair));
  return `${scheme}${login}@${host}${path}${others.length > 0 ? `?${others.join('&')}` : ''}`;
}

/** The public part of the key that signs checkpoints, base64url; undefined for one that is written in another way. */
export function auditPublicKey(signingKey: string): string | undefined {
  if (!/^[0-9a-f]{64}$/i.test(signingKey)) return undefined;
  const der = Buffer.from(`302e020100300506032b657004220420${signingKey}`, 'hex'); // PKCS #8 around the 32 bytes
  const key = createPublicKey(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }));
  return key.export({ format: 'jwk' }).x;
}
