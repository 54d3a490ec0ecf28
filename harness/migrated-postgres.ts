// The files of a PostgreSQL with the schema of this build: made once in a run of tests, and copied for each server that needs them.
import { execFile } from 'node:child_process';
import { existsSync, renameSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { projectRoot } from '../src/core/platform/project-root.ts';
import { type Postgres, startPostgres } from '../src/launcher/servers/postgres.ts';
import { copyFiles } from './standby.ts';
import type { TestDatabase } from './stores.ts';

const run = promisify(execFile);

export type Urls = Pick<TestDatabase, 'ownerUrl' | 'webUrl' | 'workerUrl'>;

/** As the owner of the schema, the web process and the worker. */
export function urlsOf({ ownerUrl }: Postgres): Urls {
  const login = (username: string) =>
    Object.assign(new URL(ownerUrl), { username, password: `${username}-secret` }).href;
  return { ownerUrl, webUrl: login('own_web'), workerUrl: login('own_worker') };
}

/** Makes the schema and the login roles, as a deploy of that checkout would. */
export async function migrateFrom(root: string, { ownerUrl, webUrl, workerUrl }: Urls): Promise<void> {
  const env = {
    PATH: process.env['PATH'],
    DATABASE_URL: ownerUrl,
    WEB_DATABASE_URL: webUrl,
    WORKER_DATABASE_URL: workerUrl,
  };
  await run(process.execPath, [path.join(root, 'dist/src/cli/main.js'), 'migrate'], { cwd: root, env });
}

/** Copies what is kept in a folder to a new one. The first who asks makes it. */
export async function copyMigrated(kept: string, to: string): Promise<void> {
  if (!existsSync(kept)) await make(kept);
  copyFiles(kept, to);
}

/** Several may make it at once: each does it aside, the first to finish gives it its name. */
async function make(kept: string): Promise<void> {
  const aside = `${kept}-${process.pid}`;
  const postgres = await startPostgres({ dataDir: aside, durable: false });
  await migrateFrom(projectRoot, urlsOf(postgres)).finally(() => postgres.stop());
  try {
    renameSync(aside, kept);
  } catch (error) {
    if (!existsSync(kept)) throw error;
  }
}
