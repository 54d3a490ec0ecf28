// The supervisor, from dist/, over a small web process: rolling reloads under load lose nothing, a broken deploy changes
// nothing, and whatever is killed is either replaced or takes nothing with it. DESIGN: "rolling restart or deploy", "kill -9".
import { spawn, spawnSync } from 'node:child_process';
import path from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { ask, open, startLoad } from '../../harness/load.ts';
import { until } from '../../harness/until.ts';
import { isRunning } from '../../src/launcher/machine/process.ts';
import { NO_PRETENURING } from '../../src/supervisor/web-processes.ts';
import { startSupervisor, type TestSupervisor, webCode } from '../support/supervisor.ts';

let supervisor: TestSupervisor | undefined;

afterEach(async () => {
  await supervisor?.cleanUp();
  supervisor = undefined;
});

const answer = async (port: number, page = '/') => {
  const socket = await open(port);
  return ask(socket, page, false).finally(() => socket.destroy());
};

/** `npm run reload`, with what it printed. */
async function reload({ dataDir }: TestSupervisor): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, [path.resolve('dist/src/launcher/reload.js')], {
    env: { ...process.env, DATA_DIR: dataDir },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk;
    });
  }
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, output };
}

describe('reload', () => {
  test('loses no request in rolling reloads under load, and the new processes run what is on disk', async () => {
    // Longer than the load may be held up on a busy machine: it would ask on connections that were closed as idle meanwhile.
    const graceMs = 3_000;
    supervisor = await startSupervisor(webCode({ graceMs }));
    const load = startLoad({ port: supervisor.port, keepAliveConnections: 32, freshConnections: 8, thinkTimeMs: 20 });
    for (let round = 0; round < 3; round += 1) {
      const before = supervisor.status()?.webProcesses ?? [];
      supervisor.deploy(
        webCode({
          graceMs,
          more: `pages['/version'] = (_, response) => response.writeHead(200, { 'content-length': 1 }).end('${round}');`,
        }),
      );
      const { code, output } = await reload(supervisor);
      expect({ code, output }).toMatchObject({ code: 0 });
      expect(output.match(/web process \d+ replaced by \d+/g)).toHaveLength(2);
      expect(output).toMatch(/\nreloaded in [\d.]+ s, with the settings of the start\n$/);
      expect(before.some(isRunning)).toBe(false);
    }
    const { failures, requests, answeredBy } = await load.stop();
    expect(failures).toEqual([]);
    expect(requests).toBeGreaterThan(100);
    expect(answeredBy.size).toBeGreaterThanOrEqual(6);
    expect(await answer(supervisor.port, '/version')).toMatchObject({ status: 200, body: '2' });
  });

  test('starts each process, a successor too, with the option that V8 is faster with', async () => {
    const more = `const options = process.execArgv.join();
      pages['/options'] = (_, response) => response.writeHead(200, { 'content-length': options.length }).end(options);`;
    supervisor = await startSupervisor(webCode({ more }), { WEB_PROCESSES: '1' });
    expect(await answer(supervisor.port, '/options')).toMatchObject({ body: NO_PRETENURING });
    expect(await reload(supervisor)).toMatchObject({ code: 0 });
    expect(await answer(supervisor.port, '/options')).toMatchObject({ body: NO_PRETENURING });
  });

  test('a plain SIGHUP does the same; one that comes during a reload asks for another after it', async () => {
    supervisor = await startSupervisor(webCode({ graceMs: 100 }));
    const before = supervisor.status()?.webProcesses;
    process.kill(supervisor.pid, 'SIGHUP');
    await until(() => supervisor?.status()?.reload?.state === 'running');
    process.kill(supervisor.pid, 'SIGHUP');
    await until(() => supervisor?.status()?.reload?.id === 2 && supervisor.status()?.reload?.state === 'done');
    expect(supervisor.status()?.webProcesses).not.toEqual(before);
  });

  test.each([
    ['ends at once', 'throw new Error("broken");', 'ended (exit code 1)', 30],
    ['never gets ready', 'setInterval(() => {}, 1000);', 'not ready after 4 s', 4],
  ])(
    'a broken deploy that %s: the old ones go on serving, the reload says why',
    async (_, code, reason, readySeconds) => {
      supervisor = await startSupervisor(webCode(), { READY_TIMEOUT_MS: String(readySeconds * 1_000) });
      const before = supervisor.status()?.webProcesses;
      const load = startLoad({ port: supervisor.port, keepAliveConnections: 8, freshConnections: 4, thinkTimeMs: 10 });
      supervisor.deploy(code);
      const result = await reload(supervisor);
      expect(result.code).toBe(1);
      expect(result.output).toContain(reason);
      expect((await load.stop()).failures).toEqual([]);
      expect(supervisor.status()?.webProcesses).toEqual(before);

      supervisor.deploy(webCode());
      expect((await reload(supervisor)).code).toBe(0);
    },
  );

  test('without a supervisor it says so', async () => {
    supervisor = await startSupervisor(webCode());
    process.kill(supervisor.pid, 'SIGTERM');
    await supervisor.exited;
    expect(await reload(supervisor)).toMatchObject({ code: 1, output: expect.stringContaining('No supervisor runs') });
  });
});

describe('what is killed', () => {
  test('a web process is replaced; nobody waits on a connection that was on its way to it', async () => {
    supervisor = await startSupervisor(webCode());
    const [victim = 0, other = 0] = supervisor.status()?.webProcesses ?? [];
    const load = startLoad({ port: supervisor.port, keepAliveConnections: 8, freshConnections: 8, thinkTimeMs: 5 });
    await until(() => load.result.answeredBy.has(String(victim)));
    process.kill(victim, 'SIGKILL');
    await until(
      () => supervisor?.status()?.webProcesses.length === 2 && !supervisor.status()?.webProcesses.includes(victim),
    );
    await until(() => [...load.result.answeredBy.keys()].some((pid) => ![String(victim), String(other)].includes(pid)));
    const { failures } = await load.stop();
    expect(failures.length).toBeLessThanOrEqual(16); // each client had at most one request in that process
    expect(failures.filter((failure) => failure.includes('no answer'))).toEqual([]);
  });

  test('a web process that dies at once is tried again ever more slowly, and comes back when it can', async () => {
    supervisor = await startSupervisor(webCode(), { WEB_PROCESSES: '1' });
    supervisor.deploy('process.exit(3);');
    process.kill(supervisor.status()?.webProcesses[0] ?? 0, 'SIGKILL');
    const pauses = () => [...(supervisor?.log() ?? '').matchAll(/"againInMs":(\d+)/g)].map((match) => Number(match[1]));
    await until(() => pauses().length >= 4);
    expect(pauses().slice(-2)[1]).toBeGreaterThan(pauses().slice(-2)[0] ?? 0);
    supervisor.deploy(webCode());
    const { port } = supervisor;
    await until(async () => (await answer(port).catch(() => undefined))?.status === 200);
  });

  test('a web process that can not be started for a while, for want of open files, comes back; a reload says why not', async () => {
    supervisor = await startSupervisor(webCode(), { WEB_PROCESSES: '1' });
    const { pid, port } = supervisor;
    const openFiles = (most: string) =>
      expect(spawnSync('prlimit', ['--pid', String(pid), `--nofile=${most}:`]).status).toBe(0);
    const refused = () => (supervisor?.log() ?? '').match(/a web process can not be started/g)?.length ?? 0;
    openFiles('3');
    process.kill(pid, 'SIGHUP');
    await until(() => supervisor?.log().includes('the new web process ended (EMFILE) before it was ready') ?? false);
    expect(await answer(port)).toMatchObject({ status: 200 });
    process.kill(supervisor.status()?.webProcesses[0] ?? 0, 'SIGKILL');
    await until(() => refused() >= 4);
    openFiles('1024');
    await until(async () => (await answer(port).catch(() => undefined))?.status === 200, 30_000);
  });

  test('the supervisor itself: its web processes finish what they have and leave no orphan', async () => {
    supervisor = await startSupervisor(webCode({ graceMs: 100, more: slowPage }));
    const pids = supervisor.status()?.webProcesses ?? [];
    const socket = await open(supervisor.port);
    const slow = ask(socket, '/slow');
    await until(() => supervisor?.log().includes('slow begins') ?? false);
    process.kill(supervisor.pid, 'SIGKILL');
    expect(await slow).toMatchObject({ status: 200, body: 'slow' });
    await until(() => !pids.some(isRunning));
  });
});

test('SIGTERM, also when it comes twice, lets what is in flight finish and exits 0', async () => {
  supervisor = await startSupervisor(webCode({ graceMs: 100, more: slowPage }));
  const pids = supervisor.status()?.webProcesses ?? [];
  const slow = ask(await open(supervisor.port), '/slow');
  await until(() => supervisor?.log().includes('slow begins') ?? false);
  process.kill(supervisor.pid, 'SIGTERM');
  process.kill(supervisor.pid, 'SIGTERM');
  expect(await slow).toMatchObject({ status: 200, body: 'slow', close: true });
  expect(await supervisor.exited).toBe(0);
  expect(pids.some(isRunning)).toBe(false);
  expect(supervisor.status()).toBeUndefined();
});

const slowPage = `
pages['/slow'] = (request, response) => {
  console.log('slow begins');
  setTimeout(() => response.writeHead(200, { 'content-length': 4 }).end('slow'), 500);
};`;
