// `migrate` as a managed service lets it: the owner of the schema may make no roles.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type OwnServers, startOwnServers } from '../../harness/own-servers.ts';
import { query } from '../../harness/query.ts';
import { Browser, newEmail, openWorker, startWeb } from '../support/app.ts';
import { commandLine } from '../support/command-line.ts';

let servers: OwnServers;
let superuser: (text: string) => Promise<unknown[]>;

beforeAll(async () => {
  servers = await startOwnServers({ root: null });
  superuser = (text) => query(servers.database.superuserUrl, text);
  await superuser('ALTER ROLE holdfast NOCREATEROLE');
});
afterAll(() => servers.close());

function migrate() {
  const { ownerUrl, webUrl, workerUrl } = servers.database;
  const env = { DATABASE_URL: ownerUrl, WEB_DATABASE_URL: webUrl, WORKER_DATABASE_URL: workerUrl };
  return commandLine(servers)(['migrate'], { env });
}

test('migrate says what an administrator has to run and changes nothing; afterwards it works', async () => {
  const refused = await migrate();
  expect(refused).toMatchObject({ code: 1, out: '' });
  expect(refused.err).not.toContain('own_web-secret');
  const statements = refused.err.split('\n').filter((line) => line.startsWith('  '));
  expect(statements.map((line) => line.trim())).toEqual([
    'CREATE ROLE holdfast_web NOLOGIN;',
    'CREATE ROLE holdfast_worker NOLOGIN;',
    `CREATE ROLE "own_web" LOGIN PASSWORD '…';`,
    'GRANT holdfast_web TO "own_web";',
    `CREATE ROLE "own_worker" LOGIN PASSWORD '…';`,
    'GRANT holdfast_worker TO "own_worker";',
  ]);
  expect(await superuser(`SELECT FROM pg_tables WHERE schemaname = 'public'`)).toEqual([]);

  const passwords = [servers.database.webUrl, servers.database.workerUrl].map((url) => new URL(url).password);
  for (const line of statements)
    await superuser(line.includes('…') ? line.replace('…', passwords.shift() ?? '') : line);
  const done = await migrate();
  expect(done).toMatchObject({ code: 0, out: expect.stringMatching(/^Applied /) });
  const left = done.err.split('\n').filter((line) => line.startsWith('  '));
  expect(left.some((line) => line.includes('ALTER ROLE "own_web" IN DATABASE "holdfast" SET statement_timeout'))).toBe(
    true,
  );

  const [web, worker] = await Promise.all([startWeb(servers), openWorker(servers)]);
  try {
    expect((await new Browser(web.url).register(newEmail())).status).toBe(303);
    await worker.sealing.seal();
  } finally {
    await Promise.all([web.close(), worker.close()]);
  }
  for (const line of left) await superuser(line);
  expect(await migrate()).toMatchObject({ code: 0, out: 'The schema is up to date.\n', err: '' });
});
