// What a web process loads at its start: nothing that few requests need, from few files.
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const main = (name: string) => JSON.stringify(pathToFileURL(path.resolve('dist/src', name)).href);
const WATCH = `
  import { Session } from 'node:inspector';
  const loaded = [];
  const session = new Session();
  session.connect();
  session.on('Debugger.scriptParsed', ({ params }) => loaded.push(params.url));
  session.post('Debugger.enable');`;
const SCRIPT = `${WATCH}
  await import(${main('core/platform/known-runtime.js')});
  await import(${main('core/context.js')});
  await import(${main('web/app.js')});
  (await import(${main('web/view/koa-views.js')})).loadKoaViews();
  session.disconnect();
  console.log(JSON.stringify(loaded));`;

/** Above each module of a package a bundle names its file. */
const BUNDLED = /^\s*\/\/ node_modules\/((?:@[^/]+\/)?[^/]+)/gm;

test.each<readonly [string, RegExp]>([
  ['BullMQ', /node_modules\/(bullmq|luxon|cron-parser)\//],
  ['the threads of imported passwords', /node_modules\/(piscina|hash-wasm|unix-crypt-td-js)\//],
  ['what formats pages', /node_modules\/(js-beautify|pretty)\//],
  ['passkeys', /node_modules\/@simplewebauthn\//],
  // Of later ones a part of what is loaded asks for it.
  ...(process.versions.node.startsWith('20.') ? [['fetch', /^node:internal\/deps\/undici/] as const] : []),
])('not %s', (_, what) => {
  const args = ['--input-type=module', '--eval', SCRIPT];
  const loaded = JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8', maxBuffer: 2 ** 24 })) as string[];
  expect(loaded.length).toBeGreaterThan(500);
  expect(loaded.filter((url) => what.test(url))).toEqual([]);
});

test.each(['src/web/main.js', 'worker/main.js'])('%s is a few dozen files, packages included', (program) => {
  const files = loadedBy(program);
  expect(files.length).toBeGreaterThan(10);
  expect(files.length).toBeLessThan(100);
});

test('what a web process bundles holds none of these either', () => {
  const texts = loadedBy('src/web/main.js').map((url) => readFileSync(fileURLToPath(url), 'utf8'));
  const packages = new Set(texts.flatMap((text) => [...text.matchAll(BUNDLED)].map(([, name]) => name)));
  expect(packages).toContain('koa');
  for (const name of ['bullmq', 'luxon', 'piscina', 'hash-wasm', 'unix-crypt-td-js', '@simplewebauthn/server'])
    expect(packages).not.toContain(name);
});

/** The files of a program that was built. Without settings it ends as soon as everything is loaded. */
function loadedBy(program: string): string[] {
  const script = `${WATCH}
    process.once('exit', () => console.log(JSON.stringify(loaded)));
    await import(${JSON.stringify(pathToFileURL(path.resolve('dist', program)).href)});`;
  const args = ['--input-type=module', '--eval', script];
  const { stdout, status } = spawnSync(process.execPath, args, { encoding: 'utf8', env: {}, maxBuffer: 2 ** 24 });
  expect(status).toBe(1);
  return (JSON.parse(stdout) as string[]).filter((url) => url.startsWith('file:') && !url.endsWith('[eval1]'));
}
