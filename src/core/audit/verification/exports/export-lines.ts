// Checks whole lines of an export against each other. A line holds what was hashed byte for byte,
// so it is not parsed: the bytes are cut out and hashed again. Only a line that another program has
// rewritten is read as JSON. Each thread that checks loads this: it imports little.
import { hash } from 'node:crypto';
import { contentProblem, type SealedEvent } from '../../canonical-event.ts';
import { type Beside, listed } from '../../reading/listing.ts';
import { type ChainLink, type CheckedPart, createChainCheck, linkOf, type Problem } from '../chain-check.ts';
import type { HeldCheckpoint } from '../held-checkpoints.ts';
import { isManifestLine } from './manifest-line.ts';
import { namesTwice } from './named-twice.ts';

export interface CheckedLines {
  /** Null where no line is an event. */
  readonly part: CheckedPart | null;
  readonly erased: number;
  /** The numbers of the events, and what each line is in the listing of its export. */
  readonly seqs: readonly number[];
  readonly listed: readonly string[];
  /** The manifest, which ends an export; and whether a line follows it. */
  readonly manifest: string | null;
  readonly goesOn: boolean;
}

/** Checks lines against each other; the first line's `prevHash` is trusted. Throws at one that is no event. */
export function checkLines(buffer: Buffer, { checkpoints }: { checkpoints: readonly HeldCheckpoint[] }): CheckedLines {
  const check = createChainCheck({ after: null, checkpoints, gaps: true });
  const seqs: number[] = [];
  const texts: string[] = [];
  let first: ChainLink | null = null;
  let last: ChainLink | null = null;
  let problem: Problem | null = null;
  let manifest: string | null = null;
  let goesOn = false;
  let erased = 0;
  for (let start = 0, end = 0; start < buffer.length && !problem && !goesOn; start = end + 1) {
    end = buffer.indexOf(10, start);
    if (end < 0) end = buffer.length;
    if (end === start) continue;
    goesOn = manifest !== null;
    const line = goesOn ? null : readLine(buffer, start, end);
    if (line === null) {
      manifest ??= buffer.toString('utf8', start, end);
      continue;
    }
    last = { seq: line.seq, prevHash: line.prevHash, hash: line.hash };
    first ??= last;
    if (line.beside.erased) erased += 1;
    problem = check.take(last, line.content);
    seqs.push(line.seq);
    texts.push(listed(line.hash, line.beside));
  }
  const { count, pieces, confirmed } = check.summary();
  const part = first && last && { first, last, count, pieces, confirmed, gap: check.gap(), problem };
  return { part, erased, seqs, listed: texts, manifest, goesOn };
}

/** Only looks for the manifest. */
export function findManifest(buffer: Buffer): CheckedLines {
  const lines = buffer.toString('utf8', buffer.lastIndexOf(MANIFEST)).split('\n');
  const manifest = lines.find(isManifestLine) ?? null;
  return { part: null, erased: 0, seqs: [], listed: [], manifest, goesOn: false };
}

const MANIFEST = Buffer.from('{"manifest":');

interface Line extends ChainLink {
  readonly content: string | null;
  readonly beside: Beside;
}

const VERSION = Buffer.from(',"v":1,"ip":');
const SEQ = Buffer.from(',"seq":');
const PERSONAL = Buffer.from(',"personal":"');
const HASH_CHARS = 43;
const TAIL =
  /^"ip":(?:null|"[0-9a-f.:]+"),"userAgent":(?:null|"(?:[^"\\]|\\.)*"),"personalSalt":(?:null|"([\w-]+)"),"prevHash":"([\w-]{43})","hash":"([\w-]{43})"(?:,"actorEmail":(null|"(?:[^"\\]|\\.)*"),"subjectEmail":(null|"(?:[^"\\]|\\.)*"))?\}\r?$/;
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
  const [, salt, prevHash, ownHash, actorEmail, subjectEmail] = TAIL.exec(tail) ?? [];
  if (prevHash === undefined || ownHash === undefined) return null;
  if (digest(prevHash, buffer, start, version + ',"v":1'.length, false) !== ownHash) return null;
  const seq = Number.parseInt(buffer.toString('latin1', seqAt + SEQ.length, seqAt + SEQ.length + 17), 10);
  const erased = salt === undefined;
  const beside = { erased, actorEmail: emailOf(actorEmail), subjectEmail: emailOf(subjectEmail) };
  const line = { seq, prevHash, hash: ownHash, beside };
  if (erased) {
    const back = tail.startsWith(NOTHING_PERSONAL) ? null : `event ${seq} was altered: erased values came back`;
    return { ...line, content: back };
  }
  const personalEnd = tailAt + tail.lastIndexOf(',"personalSalt":');
  const personal = buffer.toString('latin1', personalAt + PERSONAL.length, personalAt + PERSONAL.length + HASH_CHARS);
  const same = digest(salt, buffer, tailAt, personalEnd, true) === personal;
  return same ? { ...line, content: null } : null;
}

/** From JSON whose bytes were read as Latin-1. */
function emailOf(raw: string | undefined): string | null {
  if (raw === undefined || raw === 'null') return null;
  if (!/[\\\x80-\xff]/.test(raw)) return raw.slice(1, -1);
  return JSON.parse(Buffer.from(raw, 'latin1').toString()) as string;
}

/** Null if it is a manifest. */
function readLine(buffer: Buffer, start: number, end: number): Line | null {
  const written = asWritten(buffer, start, end);
  if (written) return written;
  const text = buffer.toString('utf8', start, end);
  return isManifestLine(text) ? null : asJson(text);
}

const FIELDS = new Set([
  'actor',
  'actorEmail',
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
  'subjectEmail',
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
    strange === null
      ? contentOf(event, text, value)
      : `event ${seq} was altered: it has a field "${strange}" that no event has`;
  const email = (name: string) => (typeof value[name] === 'string' ? value[name] : null);
  const erased = event.personalSalt === null;
  const beside = { erased, actorEmail: email('actorEmail'), subjectEmail: email('subjectEmail') };
  return { ...linkOf(event), content, beside };
}

function contentOf(event: SealedEvent, text: string, value: unknown): string | null {
  try {
    return namesTwice(text, value)
      ? `event ${event.seq} was altered: a field stands in it twice`
      : contentProblem(event);
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
