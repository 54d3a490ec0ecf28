// Streaming standbys of the project's own PostgreSQL, whose programs have no pg_basebackup: the files of a stopped primary.
import { spawnSync } from 'node:child_process';
import { appendFileSync, chmodSync, copyFileSync, mkdirSync, realpathSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { query } from './query.ts';

interface CopyOptions {
  /** The data folder of a primary that was stopped in order. */
  readonly from: string;
  readonly to: string;
  /** The primary's URL as its superuser. */
  readonly primary: string;
  /** What its WAL comes through. */
  readonly via: { readonly port: number };
}

/** Copies the data folder of a server that was stopped in order. */
export function copyFiles(from: string, to: string): void {
  mkdirSync(to, { mode: 0o711 });
  for (const secret of ['superuser.secret', 'owner.secret'])
    copyFileSync(path.join(from, secret), path.join(to, secret));
  const [files, cluster] = [from, to].map((folder) => path.join(folder, 'cluster')) as [string, string];
  // With its owner, who may be another than ours.
  const copied = spawnSync('cp', ['-a', realpathSync(files), cluster], { encoding: 'utf8' });
  if (copied.status !== 0) throw new Error(`${from} can't be copied: ${copied.stderr}`);
}

/** Makes a data folder that starts as a standby. */
export function copyAsStandby({ from, to, primary, via }: CopyOptions): void {
  copyFiles(from, to);
  const cluster = path.join(to, 'cluster');
  const { username, password } = new URL(primary);
  const conninfo = `host=127.0.0.1 port=${via.port} user=${username} password=${decodeURIComponent(password)}`;
  appendFileSync(path.join(cluster, 'postgresql.auto.conf'), `primary_conninfo = '${conninfo}'\n`);
  const signal = path.join(cluster, 'standby.signal');
  writeFileSync(signal, '');
  chmodSync(signal, 0o666); // PostgreSQL opens it to write
}

/** Resolves when the standby takes writes. */
export async function promote({ superuserUrl }: { readonly superuserUrl: string }): Promise<void> {
  await query(superuserUrl, 'SELECT pg_promote(true, 60)');
}

/** A URL of several hosts: those of the ports, in this order. */
export function severalHosts(url: string, servers: readonly { readonly port: number }[]): string {
  const { username, password, pathname } = new URL(url);
  const hosts = servers.map(({ port }) => `127.0.0.1:${port}`).join(',');
  return `postgresql://${username}:${password}@${hosts}${pathname}?target_session_attrs=read-write`;
}
