// The entries of one large JSON text, such as the people of a realm, one after another: the whole may not fit into memory. Some
// systems write an object a line instead; that is seen by the first character.
import { JSONParser } from '@streamparser/json';
import type { Found } from '../import-people.ts';
import { readNdjson } from './ndjson.ts';

/** The neutral person of an entry; null for what is nobody. */
export type ReadEntry = (entry: Readonly<Record<string, unknown>>) => object | null;

/**
 * `paths` say where entries stand, as `$.users.*`. Each counts, also what is nobody. What follows damaged JSON can't be read, and
 * is reported as one problem.
 */
export async function* readEntries(
  input: AsyncIterable<Buffer>,
  paths: readonly string[],
  read: ReadEntry,
): AsyncGenerator<readonly Found[]> {
  let [place, ended, damaged] = [0, false, false];
  let found: Found[] = [];
  const parser = new JSONParser({ paths: [...paths], keepStack: false });
  parser.onValue = ({ value }) => {
    place += 1;
    const raw = personOf(value, read);
    if (raw !== null) found.push({ place, raw });
  };
  parser.onEnd = () => {
    ended = true;
  };
  parser.onError = () => {
    damaged = true;
  };
  for await (const chunk of input) {
    parser.write(chunk);
    if (found.length > 0) yield found;
    found = [];
    if (damaged) break;
  }
  if (damaged || !ended) yield [{ place: place + 1, problem: 'invalid_json' }];
}

/** An array of entries, or one a line. */
export async function* readArrayOrLines(
  input: AsyncIterable<Buffer>,
  read: ReadEntry,
): AsyncGenerator<readonly Found[]> {
  const chunks = input[Symbol.asyncIterator]();
  const { value: first = Buffer.alloc(0) } = await chunks.next();
  const whole = again(first, chunks);
  if (!/^(?:\ufeff)?\s*\{/.test(first.toString('utf8', 0, 1_024))) return yield* readEntries(whole, ['$.*'], read);
  for await (const some of readNdjson(whole)) {
    yield some.flatMap((one): Found[] => {
      if ('problem' in one) return [one];
      const raw = personOf(one.raw, read);
      return raw === null ? [] : [{ ...one, raw }];
    });
  }
}

async function* again(first: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  yield first;
  for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
}

/** What is no object stays as it is, to be named in the report. */
function personOf(entry: unknown, read: ReadEntry): unknown {
  const isObject = typeof entry === 'object' && entry !== null && !Array.isArray(entry);
  return isObject ? read(entry as Readonly<Record<string, unknown>>) : entry;
}
