// What runs in production is listed, comes from one registry, and has no known hole.
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

const REGISTRY = 'https://registry.npmjs.org/';
const run = promisify(execFile);
const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8'));
const lock = JSON.parse(readFileSync('package-lock.json', 'utf8'));

test('the bill of materials names every package that runs in production', async () => {
  const command = ['sbom', '--package-lock-only', '--sbom-format=cyclonedx'];
  const { stdout } = await run('npm', command, { maxBuffer: 2 ** 26 });
  const listed = JSON.parse(stdout).components.map((one: { purl: string }) => decodeURIComponent(one.purl));
  for (const [name, version] of Object.entries(dependencies)) expect(listed).toContain(`pkg:npm/${name}@${version}`);
});

test('every package is held by its hash, and names no other source than the registry', () => {
  const packages = Object.entries<{ resolved?: string; integrity?: string; link?: boolean }>(lock.packages);
  const fetched = packages.filter(([path]) => path !== '');
  expect(fetched.length).toBeGreaterThan(300);
  for (const [path, { resolved, integrity }] of fetched) {
    expect([path, resolved ?? REGISTRY]).toEqual([path, expect.stringContaining(REGISTRY)]);
    expect([path, integrity]).toEqual([path, expect.stringMatching(/^sha512-/)]);
  }
});

describe('the audit of packages', () => {
  const ADVISORIES = '/-/npm/v1/security/advisories/bulk';
  const HOLE = {
    id: 1,
    url: 'https://github.com/advisories/GHSA-0000-0000-0000',
    title: 'A hole for this test',
    severity: 'high',
    vulnerable_versions: '<99.0.0',
    cwe: [],
    cvss: { score: 0, vectorString: null },
  };
  let answer: { status: number; body: unknown };
  let asked: (string | undefined)[] = [];
  let registry: Server;

  beforeAll(async () => {
    registry = createServer((request, response) => {
      asked.push(request.url);
      const status = request.url === ADVISORIES ? answer.status : 404;
      response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(answer.body));
    }).listen(0, '127.0.0.1');
    await once(registry, 'listening');
  });

  beforeEach(() => {
    asked = [];
  });

  afterAll(() => {
    registry.close();
  });

  async function audit() {
    const { port } = registry.address() as AddressInfo;
    const env = { ...process.env, npm_config_registry: `http://127.0.0.1:${port}/`, npm_config_fetch_retries: '0' };
    const done = (code: number) => (ended: { stdout: string; stderr: string }) => ({ code, ...ended });
    const result = await run('node', ['scripts/audit-packages.mjs'], { env }).then(done(0), done(1));
    expect(asked).toContain(ADVISORIES);
    return result;
  }

  test('passes without a known hole', async () => {
    answer = { status: 200, body: {} };
    expect(await audit()).toMatchObject({ code: 0, stdout: 'no known hole in the packages\n' });
  });

  test('fails on one, and names it', async () => {
    answer = { status: 200, body: { koa: [HOLE] } };
    const { code, stderr } = await audit();
    expect(code).toBe(1);
    expect(stderr).toContain(
      'high: koa <99.0.0: A hole for this test (https://github.com/advisories/GHSA-0000-0000-0000)',
    );
  });

  test('fails nothing if the registry cannot be asked, and says so', async () => {
    answer = { status: 405, body: {} };
    const { code, stderr } = await audit();
    expect(code).toBe(0);
    expect(stderr).toContain('the registry could not be asked for known holes');
  });
});
