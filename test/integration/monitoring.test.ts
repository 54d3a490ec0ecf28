// What deploy/ gives to those who watch Holdfast: rules and a dashboard for metrics that there are, read by Prometheus's own tool,
// and a filter for fail2ban, which bans whom the throttle refuses and nobody whom a visitor names.
import { execFile, spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { findPythonProgram, findServer } from '../../harness/programs.ts';
import { until } from '../../harness/until.ts';
import { readIfThere } from '../../src/launcher/machine/files.ts';
import { endChild } from '../../src/launcher/machine/process.ts';
import { spawnLogged } from '../../src/launcher/servers/start-server.ts';
import { publishMetrics as publishWeb } from '../../src/web/metrics.ts';
import { publishMetrics as publishWorker } from '../../worker/metrics.ts';
import { world } from '../support/world.ts';

const run = promisify(execFile);

const { web, worker, atEnd } = await world({ webs: [{ METRICS_PORT: '0' }], worker: { METRICS_PORT: '0' } });
const folder = mkdtempSync(path.join(tmpdir(), 'holdfast-monitoring-'));
atEnd(() => rmSync(folder, { recursive: true, force: true }));

interface Dashboard {
  readonly panels: readonly { readonly title: string; readonly targets?: readonly { readonly expr: string }[] }[];
}

const RULES = 'deploy/monitoring/alerts.yml';
const { panels } = JSON.parse(readFileSync('deploy/monitoring/dashboard.json', 'utf8')) as Dashboard;
const shown = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));

describe('for Prometheus', () => {
  test('the rules are sound, and mean what their own tests say', async () => {
    const { file, env } = await findServer('promtool', { from: 'prometheus' });
    const promtool = (...args: string[]) => run(file, args, { env: { PATH: process.env['PATH'], ...env } });
    await promtool('check', 'rules', RULES);
    const { stdout } = await promtool('test', 'rules', 'deploy/monitoring/alerts.test.yml');
    expect(stdout).toContain('SUCCESS');
  });

  test('each panel asks something that Prometheus understands', async () => {
    const { file, env } = await findServer('promtool', { from: 'prometheus' });
    const rules = shown.map((expr, index) => ({
      record: `panel:${index}`,
      expr: expr.replaceAll('$__rate_interval', '5m'),
    }));
    const panelRules = path.join(folder, 'panels.yml');
    writeFileSync(panelRules, JSON.stringify({ groups: [{ name: 'panels', rules }] }));
    const { stdout } = await run(file, ['check', 'rules', panelRules], {
      env: { PATH: process.env['PATH'], ...env },
    });
    expect(stdout).toContain(`${shown.length} rules found`);
    expect(shown.length).toBeGreaterThan(15);
  });

  test('rules and panels ask for metrics that a web process or a worker tells', async () => {
    for (const port of [await publishWorker(worker), await publishWeb(web.context)]) atEnd(() => port?.close());
    const told = await Promise.all([web.context, worker].map(({ metrics }) => metrics.registry.metrics()));
    const names = new Set(told.join('\n').match(/(?<=^# TYPE )\S+/gm));
    const asked = [...shown, readFileSync(RULES, 'utf8').replaceAll(/runbook:.*/g, '')].join('\n');
    const wanted = new Set(asked.match(/\b(?:holdfast|nodejs|process)_[a-z0-9_]+/g));
    const missing = [...wanted].filter((name) => !names.has(name.replace(/_(?:count|bucket|sum)$/, '')));
    expect(missing).toEqual([]);
    expect(wanted.size).toBeGreaterThan(12);
  });

  test('each rule leads to a heading that there is', () => {
    const operations = readFileSync('docs/operations.md', 'utf8');
    const headings = new Set(
      [...operations.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
        title
          .toLowerCase()
          .replaceAll(/[^\w\s-]/g, '')
          .replaceAll(' ', '-'),
      ),
    );
    const led = [...readFileSync(RULES, 'utf8').matchAll(/runbook: docs\/operations\.md#(\S+)/g)].map(([, to]) => to);
    expect(led.filter((to) => !headings.has(to ?? ''))).toEqual([]);
    expect(led).toHaveLength(readFileSync(RULES, 'utf8').match(/- alert:/g)?.length ?? 0);
  });
});

describe('for fail2ban', () => {
  const FILTER = 'deploy/fail2ban/filter.d/holdfast.conf';
  // Every request comes from an address of its own, and one path holds a whole line that names somebody else.
  const REQUESTS: readonly [method: string, path: string, status: number, ip: string | null][] = [
    ['POST', '/login', 429, '203.0.113.9'],
    ['POST', '/login', 429, '2001:db8::9'],
    ['GET', '/a "quoted" \\ path', 429, '203.0.113.10'],
    ['POST', '/login', 401, '203.0.113.11'],
    ['GET', '/","status":429,"ms":1,"ip":"198.51.100.1","msg":"request"}', 404, '203.0.113.12'],
    ['GET', '/\n{"level":30,"name":"web","status":429,"ip":"198.51.100.2","msg":"request"}', 404, '203.0.113.13'],
    ['POST', '/login', 429, null],
    ['POST', '/login', 429, '203.0.113.14'], // the last: by then all are read
  ];
  const REFUSED = ['203.0.113.9', '2001:db8::9', '203.0.113.10', '203.0.113.14'];

  test('the real one bans those whom the throttle refuses, and nobody whom a visitor names', async () => {
    const log = path.join(folder, 'web.log');
    writeFileSync(log, '');
    const banned = path.join(folder, 'banned');
    for (const part of ['filter.d', 'jail.d', 'action.d']) mkdirSync(path.join(folder, part));
    copyFileSync(FILTER, path.join(folder, 'filter.d/holdfast.conf'));
    copyFileSync('deploy/fail2ban/jail.d/holdfast.conf', path.join(folder, 'jail.d/holdfast.conf'));
    // In place of the firewall a file, and sooner: for the rest the jail is the one that is shipped.
    writeFileSync(path.join(folder, 'action.d/note.conf'), `[Definition]\nactionban = echo <ip> >> ${banned}\n`);
    writeFileSync(
      path.join(folder, 'jail.local'),
      `[holdfast]\nlogpath = ${log}\nmaxretry = 1\nbanaction = note\naction = note\n`,
    );
    writeFileSync(
      path.join(folder, 'fail2ban.conf'),
      '[Definition]\nloglevel = INFO\nlogtarget = STDOUT\nsyslogsocket = auto\ndbfile = None\ndbmaxmatches = 10\ndbpurgeage = 1d\n',
    );
    const { file, args, env } = await findPythonProgram('fail2ban-server', { from: 'fail2ban' });
    const output = path.join(folder, 'fail2ban.log');
    const said = () => readIfThere(output) ?? '';
    const server = spawnLogged(
      file,
      [...args, '-f', '-c', folder, '-s', path.join(folder, 'socket'), '-p', path.join(folder, 'pid'), 'start'],
      output,
      { deathSignal: 'SIGKILL', env: { PATH: process.env['PATH'], ...env } },
    );
    try {
      await until(() => said().includes("Jail 'holdfast' started")).catch(() => {
        throw new Error(`fail2ban does not start:\n${said()}`);
      });
      await writeRequests(log);
      const addresses = () => (readIfThere(banned) ?? '').split('\n').filter(Boolean).sort();
      await until(() => addresses().length >= REFUSED.length).catch(() => {
        throw new Error(`fail2ban bans nobody:\n${said()}`);
      });
      expect(addresses()).toEqual([...REFUSED].sort());
    } finally {
      await endChild(server, [
        ['SIGTERM', 5_000],
        ['SIGKILL', 5_000],
      ]);
    }
  });

  /** Appends what a web process logs of these requests. */
  function writeRequests(to: string): Promise<void> {
    const code = `
      import { createLog, requestLines } from ${JSON.stringify(path.resolve('dist/src/core/platform/log.js'))};
      const write = requestLines(createLog({ level: 'info', name: 'web', buffered: true }));
      for (const [method, path, status, ip] of ${JSON.stringify(REQUESTS)})
        write({ requestId: 'abc-1', method, path, status, ms: 1.2, ip });`;
    return new Promise((resolve, reject) => {
      const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const lines: Buffer[] = [];
      child.stdout.on('data', (chunk: Buffer) => lines.push(chunk));
      child.once('error', reject);
      child.once('close', () => {
        writeFileSync(to, Buffer.concat(lines), { flag: 'a' });
        resolve();
      });
    });
  }
});
