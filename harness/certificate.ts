// A certificate of a test run's own, and the fingerprint of its key, by which a browser is told to believe this one alone.
import { execFile } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { findServer } from './programs.ts';

const run = promisify(execFile);

export interface Certificate {
  readonly certificate: string;
  readonly key: string;
  /** Both in one file, as HAProxy wants them. */
  readonly both: string;
  /** SHA-256 of the public key, in base64. */
  readonly fingerprint: string;
}

/** Writes the files into the folder; they are good for two days. */
export async function makeCertificate(folder: string, names: readonly string[]): Promise<Certificate> {
  const { file, env } = await findServer('openssl');
  const at = (name: string) => path.join(folder, name);
  const [certificate, key, both] = [at('cert.pem'), at('key.pem'), at('both.pem')];
  const alternatives = `subjectAltName = ${names.map((name) => `DNS:${name}`).join(', ')}`;
  const settings = [
    '[req]',
    'distinguished_name = name',
    'x509_extensions = more',
    '[name]',
    '[more]',
    alternatives,
    '',
  ];
  writeFileSync(at('openssl.cnf'), settings.join('\n'));
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', key];
  const args = ['req', '-x509', ...newKey, '-out', certificate, '-days', '2', '-subj', `/CN=${names[0]}`];
  await run(file, [...args, '-config', at('openssl.cnf')], { env: { PATH: '/usr/bin:/bin', ...env } });
  writeFileSync(both, readFileSync(certificate, 'utf8') + readFileSync(key, 'utf8'), { mode: 0o600 });
  const publicKey = new X509Certificate(readFileSync(certificate)).publicKey.export({ type: 'spki', format: 'der' });
  return { certificate, key, both, fingerprint: createHash('sha256').update(publicKey).digest('base64') };
}
