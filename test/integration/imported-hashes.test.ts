// Every value of real systems, checked by the threads that check them at a log-in.
import { getPriority } from 'node:os';
import { afterAll, expect, test } from '@jest/globals';
import { verify } from '@node-rs/argon2';
import pLimit from 'p-limit';
import { createImportedHashes } from '../../src/core/credentials/imported/threads.ts';
import { type Line, lines, readLine } from '../support/imported/lines.ts';

const THREADS = 2;
/** With a priority like any other's, or the tests beside this one would keep it waiting for longer than a hash may take. */
const hashes = createImportedHashes({ concurrency: THREADS, niceness: getPriority() });
/** As the queue of a log-in: no more are asked for than there are threads. */
const limit = pLimit(THREADS);

afterAll(() => hashes.close());

/** Some hash for seconds, and the machine may be busy. */
const LIMIT_MS = 60 * 60_000;

async function opens(line: Line, typed: string): Promise<boolean> {
  const found = readLine(line);
  if (found.kind === 'argon2id') return verify(found.hash, typed);
  if (found.kind !== 'hash') throw new Error(`${line.scheme} is read as ${found.kind}`);
  return hashes.verify(found.stored, typed, found.secret?.value ?? null);
}

test(
  'the right password opens, and with a letter more it does not',
  async () => {
    const usable = lines.filter((line) => line.expect === undefined);
    expect(usable).toHaveLength(1_099);
    const got = await Promise.all(
      usable.map((line) =>
        limit(async () => [line.scheme, await opens(line, line.password), await opens(line, `${line.password}x`)]),
      ),
    );
    expect(got).toEqual(usable.map((line) => [line.scheme, true, line.truncated_at !== undefined]));
  },
  LIMIT_MS,
);
