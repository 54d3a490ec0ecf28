// What `npm run build` makes, from a small checkout of its own: programs of few files, and a build in the place of another
// while a program of that one runs.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const PROGRAMS = [
  'worker/main.ts',
  'src/web/main.ts',
  'src/cli/main.ts',
  'src/cli/first-steps.ts',
  'src/cli/demo-application.ts',
  'src/core/credentials/imported/thread.ts',
];
const KEPT = [
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'tsconfig.build.json',
  'prisma/schema.prisma',
  'scripts/bootstrap.mjs',
  'scripts/bundle.mjs',
  'src/generated/.holdfast-schema',
];

let root: string;
let running: ChildProcess | undefined;

beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'holdfast-build-'));
  for (const file of KEPT) cpSync(file, path.join(root, file));
  symlinkSync(path.resolve('node_modules'), path.join(root, 'node_modules'));
  for (const file of PROGRAMS) write(file, 'export {};');
});

afterEach(() => {
  running?.kill('SIGKILL');
  rmSync(root, { recursive: true, force: true });
});

test('what an old process loads later is there also after two builds, and only some builds are kept', async () => {
  write(
    'src/web/main.ts',
    `process.once('SIGHUP', async () => console.log((await import('./later.ts')).text));
     setInterval(() => undefined, 1_000);
     console.log('runs');`,
  );
  write('src/web/later.ts', `export const text = 'of the first';`);
  build();
  running = spawn(process.execPath, ['dist/src/web/main.js'], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
  expect(await said(running)).toBe('runs');

  // The second does not start, say, so that the first runs on until the third does.
  for (const text of ['of the second', 'of the third']) {
    write('src/web/later.ts', `export const text = '${text}';`);
    build();
  }
  running.kill('SIGHUP');
  expect(await said(running)).toBe('of the first');
  expect(chunkFolders()).toHaveLength(3);

  for (const older of ['1000000000001', '1000000000002', '1000000000003', '1000000000004'])
    mkdirSync(path.join(root, 'dist/chunks', older));
  const before = chunkFolders();
  write('src/web/later.ts', `export const text = 'of the fourth';`);
  build();
  expect(chunkFolders().slice(0, -1)).toEqual(before.slice(-5));
});

test('what does not compile leaves the build before', () => {
  build();
  write('src/web/main.ts', `export const port: number = 'none';`);
  const { status, stderr } = bootstrap();
  expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringContaining('dist/ is as it was') });
  expect(spawnSync(process.execPath, ['dist/src/web/main.js'], { cwd: root }).status).toBe(0);
});

function write(file: string, text: string): void {
  mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
  writeFileSync(path.join(root, file), text);
}

function bootstrap() {
  return spawnSync(process.execPath, ['scripts/bootstrap.mjs', 'build'], { cwd: root, encoding: 'utf8' });
}

function build(): void {
  const { status, stderr } = bootstrap();
  expect({ status, stderr }).toEqual({ status: 0, stderr: 'holdfast: compiling\n' });
}

function chunkFolders(): string[] {
  return readdirSync(path.join(root, 'dist/chunks')).sort();
}

async function said(child: ChildProcess): Promise<string> {
  const [text] = (await once(child.stdout ?? child, 'data')) as [Buffer];
  return text.toString().trim();
}
