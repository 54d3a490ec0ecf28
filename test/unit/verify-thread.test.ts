// What each thread loads that verifies an export: little, or small exports would wait for it longer than for their proof.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from '@jest/globals';

const IMPORT = /^import (?!type )[^;]*? from '([^']+)'/gms;

/** The modules that a file loads, of ours by path and others by name. */
function loadedBy(file: string, known = new Set<string>()): Set<string> {
  if (known.has(file)) return known;
  known.add(file);
  for (const [, from = ''] of readFileSync(file, 'utf8').matchAll(IMPORT)) {
    if (from.startsWith('.')) loadedBy(path.resolve(path.dirname(file), from), known);
    else known.add(from);
  }
  return known;
}

test('it loads no schemas, no driver and none of what proves the log itself', () => {
  const loaded = [...loadedBy(path.resolve('src/cli/audit/verify-worker.ts'))];
  expect(loaded).toContain('canonicalize');
  expect(loaded.filter((name) => /^(zod|pg|uuid|@prisma)/.test(name))).toEqual([]);
  expect(loaded.length).toBeLessThan(15);
});
