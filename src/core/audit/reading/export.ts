// The log as a file, oldest event first: NDJSON that can be verified without a database, CSV that
// is safe in a spreadsheet. A part is read while the one before is written, so memory stays flat.
import { personalText, sealedText } from '../canonical-event.ts';
import type { ExportedEvent } from '../event-rows.ts';
import type { AuditLog } from './audit-log.ts';
import type { Range } from './follow.ts';
import type { AuditFilter } from './query.ts';

export type ExportFormat = 'ndjson' | 'csv';

const BATCH = 4_000;
const USUAL_LINE = 1_024;

export interface ExportedPart {
  /** UTF-8. */
  readonly bytes: Uint8Array;
  readonly events: number;
  /** All that matches up to this number is written. */
  readonly seq: number;
}

/**
 * What the filter lets through, up to the newest event at the start, in parts of whole lines.
 * Throws if retention drops events that are still to be written: an export has no silent hole.
 */
export async function* exportLog(
  auditLog: Pick<AuditLog, 'exportable' | 'head' | 'first'>,
  filter: AuditFilter,
  format: ExportFormat,
): AsyncGenerator<ExportedPart> {
  const [first, { seq: upTo }] = await Promise.all([auditLog.first(), auditLog.head()]);
  const line = format === 'csv' ? csvLine : ndjsonLine;
  if (format === 'csv') yield { bytes: Buffer.from(CSV_HEADER), events: 0, seq: 0 };
  let reading = readPart(auditLog, filter, { after: first - 1, upTo }, line);
  for (;;) {
    const part = await reading;
    const isLast = part.seq >= upTo;
    if (!isLast) {
      reading = readPart(auditLog, filter, { after: part.seq, upTo }, line);
      reading.catch(() => undefined); // awaited in the next round, unless the reader has gone
    }
    if (part.events > 0) yield part;
    if (isLast) return;
  }
}

/** Each line is written into the buffer as its event is read: no event is kept. */
async function readPart(
  auditLog: Pick<AuditLog, 'exportable' | 'first'>,
  filter: AuditFilter,
  range: Range,
  lineOf: (event: ExportedEvent) => string,
): Promise<ExportedPart> {
  let bytes = Buffer.allocUnsafe(BATCH * USUAL_LINE);
  let end = 0;
  let events = 0;
  const seq = await auditLog.exportable(filter, range, BATCH, (event) => {
    const line = lineOf(event);
    if (end + 3 * line.length > bytes.length) {
      const larger = Buffer.allocUnsafe(2 * bytes.length + 3 * line.length);
      bytes.copy(larger, 0, 0, end);
      bytes = larger;
    }
    end += bytes.write(line, end);
    events += 1;
  });
  if ((await auditLog.first()) > range.after + 1)
    throw new Error('The oldest events were dropped while they were exported, as their retention asks. Export again.');
  return { bytes: bytes.subarray(0, end), events, seq };
}

/**
 * An event as a line: the JSON that was hashed, then what the hash does not cover. A verifier cuts
 * it in two and hashes the bytes; everybody else reads one flat object.
 */
export function ndjsonLine(event: ExportedEvent): string {
  const { personalSalt, prevHash, hash } = event;
  const salt = personalSalt === null ? 'null' : `"${personalSalt}"`;
  const line = `${sealedText(event).slice(0, -1)},${personalText(event).slice(1, -1)},"personalSalt":${salt},"prevHash":"${prevHash}","hash":"${hash}"}`;
  return `${STEERING.test(line) ? line.replace(EVERY_STEERING, escaped) : line}\n`;
}

const COLUMNS = [
  'seq',
  'occurredAt',
  'sealedAt',
  'type',
  'outcome',
  'actor',
  'subject',
  'session',
  'requestId',
  'ip',
  'userAgent',
  'detail',
  'id',
  'hash',
];

export const CSV_HEADER = `${COLUMNS.join(',')}\r\n`;

export function csvLine(event: ExportedEvent): string {
  const cells = [
    String(event.seq),
    event.occurredAt,
    event.sealedAt,
    cell(event.type),
    cell(event.outcome),
    event.actor,
    event.subject,
    event.session,
    cell(event.requestId),
    event.ip,
    cell(event.userAgent),
    cell(JSON.stringify(event.detail)),
    event.id,
    Buffer.from(event.hash, 'base64url').toString('hex'),
  ];
  return `${cells.map((one) => one ?? '').join(',')}\r\n`;
}

/** No spreadsheet takes it for a formula, and no terminal for a command. */
function cell(text: string | null): string {
  if (text === null) return '';
  let shown = STEERING.test(text) ? text.replace(EVERY_STEERING, escaped) : text;
  if (FORMULA.test(shown)) shown = `'${shown}`;
  shown = shown.replace(LATER_FORMULA, ";'$1");
  return QUOTED.test(shown) ? `"${shown.replaceAll('"', '""')}"` : shown;
}

/** What begins a formula in some spreadsheet, also after spaces and in full-width letters. */
const FORMULA = /^[\s'"]*[=+\-@\uff1d\uff0b\uff0d\uff20|%]/;
/** The same after a semicolon, which ends a cell where numbers have a decimal comma. */
const LATER_FORMULA = /;([\s'"]*[=+\-@\uff1d\uff0b\uff0d\uff20|%])/g;
const QUOTED = /[",\r\n']|^\s|\s$/;

// Control characters, line separators, and marks that change the direction of text.
const STEERING = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/u;
const EVERY_STEERING = new RegExp(STEERING.source, 'gu');

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
