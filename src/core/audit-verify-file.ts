// The same proof for an export, with no database. The lines are not parsed: what was hashed stands in each as it was hashed,
// so that the bytes are cut out and hashed again. Only a line that another program has written anew is read as JSON.
import { hash, type KeyObject } from 'node:crypto';
import type { Readable } from 'node:stream';
import { contentProblem, GENESIS_HASH, type SealedEvent } from './audit-chain.ts';
import { linkOf, type VerifyResult } from './audit-verify.ts';
import { createChainCheck, type Link } from './chain-check.ts';
import { believedCheckpoints, type Checkpoint } from './checkpoints.ts';

export interface VerifyFileOptions {
  readonly checkpoints: readonly Checkpoint[];
  readonly keys: ReadonlyMap<string, KeyObject>;
  /** The export was filtered: events may be left out. */
  readonly filtered: boolean;
  /** The export ends here on purpose. */
  readonly to?: number;
  readonly onProgress?: (bytes: number) => void;
}

/** Names the first event of an export that is wrong, or says what is proved. Throws at a line that is no event. */
export async function verifyFile(input: Readable, options: VerifyFileOptions): Promise<VerifyResult> {
  const { believed, spoilt, unproved } = believedCheckpoints(options.checkpoints, options.keys);
  if (spoilt) return { intact: false, ...spoilt };
  const checkpoints = believed.filter(({ seq }) => seq <= (options.to ?? seq));
  const lines = createLineReader();
  let check: ReturnType<typeof createChainCheck> | null = null;
  let erased = 0;
  const take = (buffer: Buffer, start: number, end: number) => {
    const line = lines.read(buffer, start, end);
    check ??= startCheck(line, checkpoints, options.filtered);
    if (line.erased) erased += 1;
    return check.take(line, line.content);
  };
  let rest: Buffer = Buffer.alloc(0);
  let bytes = 0;
  for await (const chunk of input as AsyncIterable<Buffer>) {
    const buffer = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
    let start = 0;
    for (let end = buffer.indexOf(10, start); end >= 0; end = buffer.indexOf(10, start)) {
      const problem = end > start ? take(buffer, start, end) : null;
      if (problem) return { intact: false, ...problem };
      start = end + 1;
    }
    rest = buffer.subarray(start);
    bytes += chunk.length;
    options.onProgress?.(bytes);
  }
  const problem = rest.length > 0 ? take(rest, 0, rest.length) : null;
  if (problem) return { intact: false, ...problem };
  const whole = check ?? createChainCheck({ after: null, checkpoints, gaps: options.filtered });
  const missing = options.filtered ? null : whole.finish(options.to === undefined ? null : { seq: options.to });
  if (missing) return { intact: false, ...missing };
  return { intact: true, ...whole.summary(), erased, checkpoints: checkpoints.length, unproved };
}

/** A whole log begins with event 1, and one that retention has cut behind the checkpoint of that; any other is believed. */
function startCheck(first: Link, checkpoints: readonly Checkpoint[], gaps: boolean) {
  const cut = checkpoints.find(({ seq, reason }) => seq === first.seq - 1 && reason === 'retention');
  const genesis = first.seq <= 1 ? { seq: 0, hash: GENESIS_HASH.toString('base64url') } : null;
  return createChainCheck({ after: cut ?? genesis, checkpoints, gaps });
}

interface Line extends Link {
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

function createLineReader() {
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

  /** As it was written by us: the bytes are those that were hashed. Null if it was not. */
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

  return {
    read(buffer: Buffer, start: number, end: number): Line {
      return asWritten(buffer, start, end) ?? asJson(buffer.toString('utf8', start, end));
    },
  };
}

const FIELDS = new Set([
  ...[
    'actor',
    'detail',
    'id',
    'occurredAt',
    'outcome',
    'personal',
    'requestId',
    'sealedAt',
    'seq',
    'session',
    'subject',
  ],
  ...['type', 'v', 'ip', 'userAgent', 'personalSalt', 'prevHash', 'hash'],
]);

/** As another program has written it anew, or altered: by its values. */
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
