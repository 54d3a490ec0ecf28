// `npm run up` as a whole, from dist/: everything comes up, whatever dies comes back, and nothing outlives the launcher.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { until } from '../../harness/until.ts';
import { childrenOf, isRunning } from '../../src/launcher/machine/process.ts';
import { readUpFile, type UpFile } from '../../src/launcher/up-file.ts';
import { everyPid, follow, own, port, run, startUp, upPids, useLauncher, waitMs } from '../support/launched.ts';

useLauncher();

const ready = async () => {
  const answer = fetch(`http://127.0.0.1:${port}/readyz`, { headers: { connection: 'close' } });
  return (await answer.catch(() => undefined))?.status === 200;
};

/** Kills one of the processes and waits until another does its work. */
async function killAndWait(name: keyof UpFile['pids']): Promise<void> {
  const pid = upPids()?.[name] ?? 0;
  process.kill(pid, 'SIGKILL');
  await until(() => ![pid, 0].includes(upPids()?.[name] ?? 0), waitMs);
}

test('comes up, brings back what dies, reloads, and stops in order', async () => {
  const up = await startUp();
  expect(up.output()).toContain(`http://localhost:${port}`);
  // Whichever web process is asked: every connection is another one's.
  for (let asked = 0; asked < 20; asked += 1) expect(await ready()).toBe(true);
  expect(statSync(path.join(own.folder, 'up.json')).mode & 0o777).toBe(0o600);
  expect(statSync(path.join(own.folder, 'secrets.json')).mode & 0o777).toBe(0o600);
  const first = readUpFile(own.folder);

  const second = run('main.js');
  expect(await second.exited).toBe(1);
  expect(second.output()).toContain(`process ${up.process.pid}`);
  expect(second.output()).toContain(`DATA_DIR=${own.folder} npm run down`);

  for (const name of ['postgres', 'redis', 'worker', 'supervisor'] as const) await killAndWait(name);
  await until(ready, waitMs);
  expect(readUpFile(own.folder)).toMatchObject({ databaseUrl: first?.databaseUrl, redisUrl: first?.redisUrl });

  const before = everyPid();
  const reload = run('reload.js');
  expect({ code: await reload.exited, output: reload.output() }).toMatchObject({ code: 0 });
  expect(reload.output()).toMatch(/(web process \d+ replaced by \d+ in .*\n){2}worker \d+ replaced by \d+\n/);
  expect(before.filter((pid) => !isRunning(pid))).toHaveLength(3);

  const both = [run('reload.js'), run('reload.js')];
  expect(await Promise.all(both.map(({ exited }) => exited))).toEqual([0, 0]);

  // Nothing can be written there for a while: what runs goes on, and what dies comes back.
  const file = path.join(own.folder, 'up.json');
  const workerPid = upPids()?.worker ?? 0;
  rmSync(file);
  mkdirSync(path.join(file, 'in the way'), { recursive: true });
  process.kill(workerPid, 'SIGKILL');
  await until(() => up.output().includes("up.json can't be written"), waitMs);
  expect(await ready()).toBe(true);
  rmSync(file, { recursive: true });
  await until(() => upPids()?.worker !== undefined && upPids()?.worker !== workerPid, waitMs);
  await until(ready, waitMs);

  // Stopped while it replaces the worker: neither the old one nor the new one is left.
  const launcherPid = up.process.pid ?? 0;
  const children = childrenOf(launcherPid).length;
  up.process.kill('SIGUSR2');
  await until(() => childrenOf(launcherPid).length > children, waitMs);
  const pids = [...everyPid(), ...childrenOf(launcherPid)];
  up.process.kill('SIGINT');
  up.process.kill('SIGINT'); // as a terminal and npm do
  expect(await up.exited).toBe(0);
  expect(pids.filter(isRunning)).toEqual([]);
  expect(readUpFile(own.folder)).toBeUndefined();
}, 180_000);

test('says where to go and what to do next, and is stopped by npm run down', async () => {
  const nothing = run('down.js');
  expect([await nothing.exited, nothing.output()]).toEqual([0, `Nothing is running on ${own.folder}.\n`]);

  const up = await startUp();
  expect(up.output()).toContain(`http://localhost:${port}/operator`);
  expect(up.output()).toContain(`http://localhost:${port}/dev/mail`);
  expect(up.output()).toContain('cli -- seed --events');
  expect(up.output()).toContain('user create --email you@example.org --operator');
  const create = ['user', 'create', '--email', 'first@example.org', '--operator'];
  const creating = follow(
    process.execPath,
    [path.resolve('dist/src/cli/main.js'), ...create],
    {},
    'correct horse battery',
  );
  expect([await creating.exited, creating.output()]).toEqual([0, expect.stringContaining('Created the operator')]);

  const pids = everyPid();
  const down = run('down.js');
  expect([await down.exited, await up.exited]).toEqual([0, 0]);
  expect(down.output()).toBe(`Stopping the Holdfast on ${own.folder} (process ${up.process.pid}) …\nStopped.\n`);
  expect(pids.filter(isRunning)).toEqual([]);

  const again = await startUp(run('main.js', { SMTP_URL: 'smtp://127.0.0.1:1' }));
  expect(again.output()).not.toContain('user create');
  expect(again.output()).not.toContain('/dev/mail');
  again.process.kill('SIGTERM');
  expect(await again.exited).toBe(0);
}, 180_000);

test.each(['main.js', 'down.js', 'reload.js'])('%s says in a sentence that a DATA_DIR is none', async (script) => {
  for (const folder of ['/dev/null/x', path.join(own.folder, 'file')]) {
    writeFileSync(path.join(own.folder, 'file'), '');
    const told = run(script, { DATA_DIR: folder });
    expect(await told.exited).toBe(script === 'down.js' ? 0 : 1);
    expect(told.output()).toContain(folder);
    expect(told.output()).not.toMatch(/\n\s+at /);
  }
});

test('a launcher that is killed leaves nothing behind, the next finds the data, and one after it waits while that one stops', async () => {
  const up = await startUp();
  const pids = everyPid();
  expect(pids).toHaveLength(7);
  up.process.kill('SIGKILL');
  await until(() => !pids.some(isRunning), waitMs);
  const again = await startUp();

  const worker = upPids()?.worker ?? 0;
  process.kill(worker, 'SIGSTOP'); // it takes its time to stop
  again.process.kill('SIGTERM');
  await until(() => again.output().includes('stopping'), waitMs);
  const next = run('main.js');
  await until(() => next.output().includes(`stopping (process ${again.process.pid})`), waitMs);
  expect(isRunning(again.process.pid ?? 0)).toBe(true);
  process.kill(worker, 'SIGCONT');
  expect(await again.exited).toBe(0);
  await startUp(next);
  next.process.kill('SIGTERM');
  expect(await next.exited).toBe(0);
}, 180_000);

/** A process and everything below it. */
const familyOf = (pid: number): number[] => [pid, ...childrenOf(pid).flatMap(familyOf)];

test('goes on where nobody reads what it says any more, brings back what dies, and stops in order', async () => {
  const up = await startUp();
  for (const stream of [up.process.stdout, up.process.stderr]) stream?.destroy();
  for (const name of ['worker', 'redis'] as const) await killAndWait(name);
  await until(ready, waitMs);
  const pids = everyPid();
  up.process.kill('SIGTERM');
  expect(await up.exited).toBe(0);
  expect(pids.filter(isRunning)).toEqual([]);
}, 120_000);

test('each signal to npm alone ends everything below it, and the next start works', async () => {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGKILL'] as const) {
    const npm = await startUp(follow('npm', ['run', 'up']));
    const family = [...familyOf(npm.process.pid ?? 0), ...everyPid()];
    npm.process.kill(signal);
    await until(() => !family.some(isRunning), waitMs);
    expect([signal, readUpFile(own.folder)]).toEqual([signal, undefined]);
  }
  const again = await startUp();
  again.process.kill('SIGTERM');
  expect(await again.exited).toBe(0);
}, 300_000);

async function refused(script: string, env: Record<string, string>): Promise<string> {
  const { DATABASE_URL: _d, REDIS_URL: _r, SESSION_KEYS: _s, ...rest } = process.env;
  const child = spawn(process.execPath, [path.resolve('dist/src', script)], {
    env: { ...rest, DATA_DIR: own.folder, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  expect(await new Promise((resolve) => child.once('close', resolve))).toBe(1);
  expect(output).not.toMatch(/\n\s+at /); // a list, no stack
  return output;
}

const problemsIn = (output: string) => [...output.matchAll(/^ {2}- (\w+): /gm)].map((match) => match[1]).sort();

test('lists every bad setting of every process at once, before anything starts', async () => {
  const output = await refused('launcher/main.js', {
    ...{ PORT: 'x', WEB_PROCESSES: '0', REDIS_URL: 'http://no', READY_TIMEOUT_MS: '1', TRUSTED_PROXIES: 'localhost' },
    ...{ DATABASE_URL: 'postgresql://db/holdfast?schema=auth', WEB_DATABASE_URL: 'postgresql://db/holdfast' },
    ...{ AUDIT_SIGNING_KEY: 'short', AUDIT_CHECKPOINT_FILE: '/nowhere/checkpoints' },
  });
  expect(problemsIn(output)).toEqual(
    [
      ...['AUDIT_CHECKPOINT_FILE', 'AUDIT_SIGNING_KEY', 'DATABASE_URL', 'PORT', 'READY_TIMEOUT_MS', 'REDIS_URL'],
      ...['TRUSTED_PROXIES', 'WEB_DATABASE_URL', 'WEB_PROCESSES'],
    ].sort(),
  );
  expect(existsSync(path.join(own.folder, 'postgres'))).toBe(false);
});

test.each([
  [{ HOST: 'nowhere.invalid' }, 'HOST is nowhere.invalid, which is no IP address or name of this machine.'],
  [{ HOST: '192.0.2.1', PORT: '3000' }, 'HOST is 192.0.2.1, which is no IP address or name of this machine.'],
])('%j: says what is wrong, and nothing else', async (env, sentence) => {
  expect(await refused('launcher/main.js', env)).toBe(`${sentence}\n`);
});

test.each([
  ['supervisor/main.js', ['READY_TIMEOUT_MS', 'TRUSTED_PROXIES']],
  ['web/main.js', ['TRUSTED_PROXIES']],
  ['../worker/main.js', ['TRUSTED_PROXIES']],
])('%s does the same', async (script, problems) => {
  const stores = { DATABASE_URL: 'postgresql://db/holdfast', REDIS_URL: 'redis://cache' };
  const output = await refused(script, { ...stores, TRUSTED_PROXIES: 'localhost', READY_TIMEOUT_MS: '1' });
  expect(problemsIn(output)).toEqual(problems);
});

test('a program that dies three times before it was ready ends the start, with the end of its log', async () => {
  const up = run('main.js', { WEB_MAIN: path.join(own.folder, 'web.mjs') });
  writeFileSync(path.join(own.folder, 'web.mjs'), `console.log('why it dies'); process.exit(7);`);
  expect(await up.exited).toBe(1);
  expect(up.output()).toMatch(/web can't be started[\s\S]*why it dies/);
  expect(readUpFile(own.folder)).toBeUndefined();
}, 60_000);
