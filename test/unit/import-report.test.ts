// The report of an import: a file of its own, and nothing else is lost to it.
import { chmod, lstat, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { startReport } from '../../src/cli/moving/report.ts';

const folder = await mkdtemp(path.join(tmpdir(), 'holdfast-report-'));
afterAll(() => rm(folder, { recursive: true }));

test('is its owner’s alone, also in the place of one that was not', async () => {
  const file = path.join(folder, 'report');
  await writeFile(file, 'of an earlier run');
  await chmod(file, 0o644);
  const report = await startReport(file);
  report.add(3, { code: 'email_taken' });
  await report.close();
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(await readFile(file, 'utf8')).toBe('{"line":3,"code":"email_taken"}\n');
});

test('without a line leaves no file', async () => {
  const file = path.join(folder, 'empty');
  await (await startReport(file)).close();
  await expect(stat(file)).rejects.toThrow('ENOENT');
});

test('never takes away what is no file, such as /dev/stderr and /dev/null', async () => {
  const [file, link] = [path.join(folder, 'target'), path.join(folder, 'link')];
  await writeFile(file, '');
  await symlink(file, link);
  await (await startReport(link)).close();
  expect((await lstat(link)).isSymbolicLink()).toBe(true);
});
