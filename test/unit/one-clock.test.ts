// Decision 0007: a moment that is stored is PostgreSQL's. Prisma would fill a `now()` in by the process' own clock.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { projectRoot } from '../../src/core/platform/project-root.ts';

const schema = readFileSync(path.join(projectRoot, 'prisma/schema.prisma'), 'utf8');
const moments = schema.split('\n').filter((line) => /^\s+\w+\s+DateTime/.test(line));

test('every moment that is not given is filled in by PostgreSQL', () => {
  const defaults = moments.filter((line) => line.includes('@default') || line.includes('@updatedAt'));
  expect(defaults.length).toBeGreaterThan(10);
  expect(defaults.filter((line) => !line.includes('@default(dbgenerated("clock_timestamp()"))'))).toEqual([]);
});
