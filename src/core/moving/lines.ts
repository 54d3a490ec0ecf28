// The lines of a file as they come, in batches, so that neither a long file nor a long line costs memory.
import { isUtf8 } from 'node:buffer';
import type { Problem } from './problems.ts';

export const MOST_LINE_BYTES = 64 * 1024;
const [LF, CR] = [0x0a, 0x0d];
const BOM = Buffer.from([0xef, 0xbb, 0xbf]);

/** One line without its end. `number` counts from 1, empty ones too. */
export type Line =
  | { readonly number: number; readonly text: string }
  | { readonly number: number; readonly problem: Problem };

/** A file that is read as a whole in another way than it was written: no line of it would do. */
export class WrongEncodingError extends Error {}

/** The same bytes. @throws WrongEncodingError for UTF-16, as Windows PowerShell writes it */
export async function* refuseUtf16(input: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let start: Buffer | null = Buffer.alloc(0);
  for await (const chunk of input) {
    if (start === null) {
      yield chunk;
      continue;
    }
    start = Buffer.concat([start, chunk]);
    if (start.length < 2) continue;
    const mark = start.readUInt16BE();
    if (mark === 0xfffe || mark === 0xfeff)
      throw new WrongEncodingError('The file is UTF-16. Write it again as UTF-8, as with iconv -f UTF-16 -t UTF-8.');
    yield start;
    start = null;
  }
  if (start !== null && start.length > 0) yield start;
}

/** Lines of UTF-8 that end in LF or CRLF. A byte order mark is dropped. */
export async function* readLines(input: AsyncIterable<Buffer>): AsyncGenerator<readonly Line[]> {
  let rest: Buffer = Buffer.alloc(0);
  let number = 0;
  let skipping = false;
  let first = true;
  for await (const chunk of input) {
    let bytes = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
    if (first) {
      if (bytes.length < BOM.length) {
        rest = bytes;
        continue;
      }
      bytes = withoutMark(bytes);
      first = false;
    }
    const lines: Line[] = [];
    let start = 0;
    for (let end = bytes.indexOf(LF); end !== -1; end = bytes.indexOf(LF, start)) {
      number += 1;
      if (skipping) skipping = false;
      else lines.push(lineOf(number, bytes.subarray(start, end)));
      start = end + 1;
    }
    rest = Buffer.from(bytes.subarray(start));
    if (skipping) rest = Buffer.alloc(0);
    else if (rest.length > MOST_LINE_BYTES + 1) {
      lines.push({ number: number + 1, problem: 'line_too_long' });
      skipping = true;
      rest = Buffer.alloc(0);
    }
    if (lines.length > 0) yield lines;
  }
  if (rest.length > 0) yield [lineOf(number + 1, first ? withoutMark(rest) : rest)];
}

function lineOf(number: number, bytes: Buffer): Line {
  const line = bytes.at(-1) === CR ? bytes.subarray(0, -1) : bytes;
  if (line.length > MOST_LINE_BYTES) return { number, problem: 'line_too_long' };
  return isUtf8(line) ? { number, text: line.toString('utf8') } : { number, problem: 'invalid_encoding' };
}

function withoutMark(bytes: Buffer): Buffer {
  return bytes.subarray(0, 3).equals(BOM) ? bytes.subarray(3) : bytes;
}
