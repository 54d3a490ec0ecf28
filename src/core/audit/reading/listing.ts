// What an export says of its lines as a whole, so that a line that is missing, added, replaced or moved
// shows later. A list of at most 256 marks tells where. Pure.
import { createHash, type Hash } from 'node:crypto';

const MOST_MARKS = 256;
/** Of a digest in base64url: 128 bits, which only say where to look. */
const MARK_CHARS = 22;
const HASH_CHARS = 43;

/** The number of an event, and the digest of all lines up to its own, shortened. */
export type Mark = readonly [seq: number, digest: string];

export interface Listing {
  readonly count: number;
  readonly first: number | null;
  /** The last event; its hash in base64url. */
  readonly last: { readonly seq: number; readonly hash: string } | null;
  /** SHA-256, base64url, of every event's hash in base64url, each with a line feed. */
  readonly events: string;
  /** The same of every {@link listed} text: also of what no event's hash covers. */
  readonly lines: string;
  /** After every 1st, 2nd, 4th, … line: as many as there may be. */
  readonly marks: readonly Mark[];
}

/** What stands beside an event's hash in a line and is not covered by it. */
export interface Beside {
  /** Address, browser and salt are gone. */
  readonly erased: boolean;
  readonly actorEmail: string | null;
  readonly subjectEmail: string | null;
}

/** A line as it enters the digest. */
export function listed(hash: string, { erased, actorEmail, subjectEmail }: Beside): string {
  if (actorEmail === null && subjectEmail === null) return `["${hash}",${erased},null,null]\n`;
  return `${JSON.stringify([hash, erased, actorEmail, subjectEmail])}\n`;
}

export function createListing() {
  const events = createHash('sha256');
  const lines = createHash('sha256');
  let marks: Mark[] = [];
  let step = 1;
  let count = 0;
  let first: number | null = null;
  let last: Listing['last'] = null;
  let hashesWaiting = '';
  let linesWaiting = '';

  /** Hashing a few thousand lines at once costs half. */
  function flush(): void {
    events.update(hashesWaiting);
    lines.update(linesWaiting);
    hashesWaiting = '';
    linesWaiting = '';
  }

  function mark(seq: number): void {
    flush();
    marks.push([seq, textOf(lines.copy()).slice(0, MARK_CHARS)]);
    if (marks.length <= MOST_MARKS) return;
    marks = everySecond(marks);
    step *= 2;
  }

  return {
    /** `text`: of {@link listed}. */
    add(seq: number, text: string): void {
      const hash = text.slice(2, 2 + HASH_CHARS);
      first ??= seq;
      last = { seq, hash };
      count += 1;
      hashesWaiting += `${hash}\n`;
      linesWaiting += text;
      if (count % step === 0) mark(seq);
      else if (linesWaiting.length > 1 << 18) flush();
    },

    count: () => count,

    summary(): Listing {
      flush();
      return { count, first, last, events: textOf(events.copy()), lines: textOf(lines.copy()), marks };
    },
  };
}

function textOf(hash: Hash): string {
  return hash.digest('base64url');
}

function everySecond(marks: readonly Mark[]): Mark[] {
  return marks.filter((_, index) => index % 2 === 1);
}

/** How many lines a mark stands for. */
function stepOf(count: number): number {
  let step = 1;
  while (Math.floor(count / step) > MOST_MARKS) step *= 2;
  return step;
}

/**
 * Where the lines that were found part from those that were listed: the event, or the events between
 * which it is. Null where the marks agree.
 */
export function partingOf(was: Listing, found: Listing): { seq: number; problem: string } | null {
  const step = Math.max(stepOf(was.count), stepOf(found.count));
  const [before, now] = [thinned(was, step), thinned(found, step)];
  for (let at = 0; at < Math.max(before.length, now.length); at += 1) {
    const [old, one] = [before[at], now[at]];
    if (old && one && old[0] === one[0] && old[1] === one[1]) continue;
    const after = before[at - 1]?.[0] ?? 0;
    return step === 1 ? lineProblem(old, one) : stretchProblem(after, old ?? one);
  }
  if (was.lines === found.lines) return null;
  return stretchProblem(before.at(-1)?.[0] ?? 0, undefined);
}

function thinned({ count, marks }: Listing, step: number): readonly Mark[] {
  let thin = marks;
  for (let own = stepOf(count); own < step; own *= 2) thin = everySecond(thin);
  return thin;
}

function lineProblem(old: Mark | undefined, one: Mark | undefined) {
  if (old && (!one || one[0] > old[0])) return { seq: old[0], problem: `event ${old[0]} is missing` };
  if (one && (!old || one[0] < old[0])) return { seq: one[0], problem: `event ${one[0]} was added to the export` };
  const seq = one?.[0] ?? 0;
  return { seq, problem: `event ${seq} is not as it was exported: it was replaced, or what stands beside it changed` };
}

function stretchProblem(after: number, to: Mark | undefined) {
  const where = to ? `from event ${after + 1} to event ${to[0]}` : `after event ${after}`;
  return { seq: after + 1, problem: `${where} the export is not as it was: lines were added, taken out or replaced` };
}
