// Decision 0007: a moment that is stored is PostgreSQL's. Prisma would fill a `now()` in by the process' own clock.
import { readdirSync, readFileSync } from 'node:fs';
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

/** Where a process may read its own clock, and why. */
const MAY: Readonly<Record<string, string>> = {
  'src/core/platform/postgres/database-clock.ts': 'before PostgreSQL has answered for the first time',
  'src/core/platform/log.ts': 'the lines of the program’s own log',
  'src/supervisor/main.ts': 'says when a reload was',
  'src/core/seed/seed.ts': 'made-up events',
  'src/web/http/cookie-ages.ts': 'takes back what the library of cookies added by the same clock',
  'worker/schedule.ts': 'BullMQ writes and judges the turns of jobs by it',
};

test('no other module reads the clock of its process: NTP steps it, at boot by years, and a wait would be over or never end', () => {
  const rooms = ['src/core', 'src/web', 'src/cli', 'src/supervisor', 'src/launcher', 'worker'];
  const files = rooms.flatMap((room) =>
    readdirSync(path.join(projectRoot, room), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => `${room}/${file}`),
  );
  const reads = files.filter((file) =>
    /new Date\(\)|Date\.now\(/.test(readFileSync(path.join(projectRoot, file), 'utf8')),
  );
  expect(reads.sort()).toEqual(Object.keys(MAY).sort());
});
