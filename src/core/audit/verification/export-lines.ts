// Checks whole lines of an export against each other. A line holds what was hashed byte for byte,
// so it is not parsed: the bytes are cut out and hashed again. Only a line that another program has
// rewritten is read as JSON.
import { hash } from 'node:crypto';
import { contentProblem, type SealedEvent } from '../canonical-event.ts';
import { type ChainLink, type CheckedPart, createChainCheck, type Problem } from './chain-check.ts';
import type { HeldCheckpoint } from './held-checkpoints.ts';
import { linkOf } from './verify-log.ts';

export interface CheckedLines extends CheckedPart {
  readonly erased: number;
}

/**
 * Checks lines against each other; the first line's `prevHash` is trusted. Null if there is no
 * line; throws at one that is no event.
 */
export function checkLines(
  buffer: Buffer,
  { checkpoints, gaps }: { checkpoints: readonly HeldCheckpoint[]; gaps: boolean },
): CheckedLines | null {
  const check = createChainCheck({ after: null, checkpoints, gaps });
  let first: ChainLink | null = null;
  let last: ChainLink | null = null;
  let problem: Problem | null = null;
  let erased = 0;
  for (let start = 0, end = 0; start < buffer.length && !problem; start = end + 1) {
    end = buffer.indexOf(10, start);
    if (end < 0) end = buffer.length;
    if (end === start) continue;
    const line = readLine(buffer, start, end);
    last = { seq: line.seq, prevHash: line.prevHash, hash: line.hash };
    first ??= last;
    if (line.erased) erased += 1;
    problem = check.take(last, line.content);
  }
  if (!first || !last) return null;
  const { count, pieces, confirmed } = check.summary();
  return { first, last, count, pieces, confirmed, erased, problem };
}

interface Line extends ChainLink {
  readonly content: string | null;
  readonly erased: boolean;
}

const VERSION = Buffer.from(',"v":1,"ip":');
const SEQ = Buffer.from(',"seq":');
const PERSONAL = Buffer.from(',"personal":"');
const HASH_CHARS = 43;
const TAIL =
  /^"ip":(?:null|"[0-9a-f.:]+"),"userAgent":(?:null|"(?:[^"\\]|\\.)*"),"personalSalt":(?:null|"([\w-]+)"),"prevHash":"([\w-]{43})","hash":"([\w-]{43})"\}\r?$/;
const NOTHING_PERSONAL = '"ip":null,"userAgent":null,"personalSalt"';

let scratch = Buffer.allocUnsafeSlow(65_536);

function digest(before: string, buffer: Buffer, start: number, end: number, brace: boolean): string {
  const most = before.length + (end - start) + 2;
  if (most > scratch.length) scratch = Buffer.allocUnsafeSlow(most * 2);
  let at = scratch.write(before, 'base64url');
  if (brace) scratch[at++] = 0x7b;
  at += buffer.copy(scratch, at, start, end);
  scratch[at++] = 0x7d;
  return hash('sha256', scratch.subarray(0, at), 'base64url');
}

/** Null if the bytes are not those that were hashed. */
function asWritten(buffer: Buffer, start: number, end: number): Line | null {
  const version = buffer.lastIndexOf(VERSION, end);
  const seqAt = version > start ? buffer.lastIndexOf(SEQ, version) : -1;
  const personalAt = seqAt > start ? buffer.lastIndexOf(PERSONAL, seqAt) : -1;
  if (personalAt <= start) return null;
  const tailAt = version + ',"v":1,'.length;
  const tail = buffer.toString('latin1', tailAt, end);
  const [, salt, prevHash, ownHash] = TAIL.exec(tail) ?? [];
  if (prevHash === undefined || ownHash === undefined) return null;
  if (digest(prevHash, buffer, start, version + ',"v":1'.length, false) !== ownHash) return null;
  const seq = Number.parseInt(buffer.toString('latin1', seqAt + SEQ.length, seqAt + SEQ.length + 17), 10);
  const line = { seq, prevHash, hash: ownHash, erased: salt === undefined };
  if (salt === undefined) {
    const back = tail.startsWith(NOTHING_PERSONAL) ? null : `event ${seq} was altered: erased values came back`;
    return { ...line, content: back };
  }
  const personalEnd = tailAt + tail.lastIndexOf(',"personalSalt":');
  const personal = buffer.toString('latin1', personalAt + PERSONAL.length, personalAt + PERSONAL.length + HASH_CHARS);
  const same = digest(salt, buffer, tailAt, personalEnd, true) === personal;
  return same ? { ...line, content: null } : null;
}

function readLine(buffer: Buffer, start: number, end: number): Line {
  return asWritten(buffer, start, end) ?? asJson(buffer.toString('utf8', start, end));
}

const FIELDS = new Set([
  'actor',
  'detail',
  'hash',
  'id',
  'ip',
  'occurredAt',
  'outcome',
  'personal',
  'personalSalt',
  'prevHash',
  'requestId',
  'sealedAt',
  'seq',
  'session',
  'subject',
  'type',
  'userAgent',
  'v',
]);

/** Checks the values: another program has rewritten the line, or altered it. */
function asJson(text: string): Line {
  const value = parse(text);
  const { seq } = value;
  if (typeof seq !== 'number' || typeof value['hash'] !== 'string' || typeof value['prevHash'] !== 'string')
    throw new Error(`This line is no event of an export: ${text.slice(0, 80)}`);
  const strange = Object.keys(value).find((name) => !FIELDS.has(name)) ?? (value['v'] === 1 ? null : 'v');
  const bytes = (name: string) => Buffer.from(String(value[name]), 'base64url');
  const event = {
    ...value,
    seq,
    sealedAt: new Date(String(value['sealedAt'])),
    occurredAt: new Date(String(value['occurredAt'])),
    personalSalt: value['personalSalt'] === null ? null : bytes('personalSalt'),
    personalHash: bytes('personal'),
    prevHash: bytes('prevHash'),
    hash: bytes('hash'),
  } as unknown as SealedEvent;
  const content =
    strange === null ? checked(event) : `event ${seq} was altered: it has a field "${strange}" that no event has`;
  return { ...linkOf(event), content, erased: event.personalSalt === null };
}

function checked(event: SealedEvent): string | null {
  try {
    return contentProblem(event);
  } catch {
    return `event ${event.seq} was altered`; // a value that has no canonical form
  }
}

function parse(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {}
  throw new Error(`This line is no event of an export: ${text.slice(0, 80)}`);
}
