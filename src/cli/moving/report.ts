// What is wrong with a file, a line of JSON each: where it stands, a code, and the field. Nothing of what stands there.
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { lstat, rm } from 'node:fs/promises';
import type { PersonProblem } from '../../core/moving/problems.ts';

export interface Report {
  readonly file: string;
  add(place: number, problem: PersonProblem): void;
  /** Without a line, no file is left; what is no file, such as /dev/null, stays. */
  close(): Promise<void>;
}

/** Replaces the report of an earlier run by a new file. Only its owner may read it. */
export async function startReport(file: string): Promise<Report> {
  const before = await lstat(file).catch(() => null);
  const isOwn = before === null || before.isFile();
  if (before !== null && isOwn) await rm(file);
  const stream = createWriteStream(file, { mode: 0o600, flags: isOwn ? 'wx' : 'w' });
  await once(stream, 'open');
  let failed: Error | null = null;
  stream.on('error', (error) => (failed = error));
  let lines = 0;
  return {
    file,
    add(place, problem) {
      lines += 1;
      stream.write(`${JSON.stringify({ line: place, ...problem })}\n`);
    },
    async close() {
      if (!failed) {
        stream.end();
        await once(stream, 'close');
      }
      if (failed) throw failed;
      if (lines === 0 && isOwn) await rm(file);
    },
  };
}
