// The log as a file, oldest event first: NDJSON that can be verified without a database and ends with a
// signed manifest, CSV that is safe in a spreadsheet. A part is read while the one before is written, so
// memory stays flat. The addresses of accounts stand beside the events, as they are now.
import { detailText, personalText, sealedText } from '../canonical-event.ts';
import type { ExportedEvent } from '../event-rows.ts';
import type { Detail } from '../events.ts';
import type { AuditLog } from './audit-log.ts';
import { type DescribedFilter, described } from './described.ts';
import type { Range } from './follow.ts';
import { createListing, type Listing, listed } from './listing.ts';
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
  /** What all lines were, with the last part of NDJSON. */
  readonly listing?: Listing;
}

/** What an export says of itself at its end. */
export interface ExportClaim extends Listing {
  readonly filter: DescribedFilter;
  /** The range that was looked through: after one number, up to and with another. */
  readonly after: number;
  readonly to: number;
}

export interface ExportSource {
  readonly auditLog: Pick<AuditLog, 'exportable' | 'head' | 'first'>;
  /** The addresses of accounts as they are now, by id. */
  readonly users: { emails(ids: readonly string[]): Promise<ReadonlyMap<string, string>> };
  /** Gives the manifest as a line of JSON, signed where somebody can sign it. */
  readonly exportSigning: { manifestFor(claim: ExportClaim): Promise<string> };
}

/**
 * What the filter lets through, up to the newest event at the start, in parts of whole lines.
 * Throws if retention drops events that are still to be written: an export has no silent hole.
 */
export async function* exportLog(
  source: ExportSource,
  filter: AuditFilter,
  format: ExportFormat,
): AsyncGenerator<ExportedPart> {
  const { auditLog, exportSigning } = source;
  const [first, { seq: upTo }] = await Promise.all([auditLog.first(), auditLog.head()]);
  const listing = createListing();
  if (format === 'csv') yield { bytes: Buffer.from(CSV_HEADER), events: 0, seq: 0 };
  let reading = readPart(source, filter, { after: first - 1, upTo }, format);
  for (;;) {
    const part = await reading;
    const isLast = part.seq >= upTo;
    if (!isLast) {
      reading = readPart(source, filter, { after: part.seq, upTo }, format);
      reading.catch(() => undefined); // awaited in the next round, unless the reader has gone
    }
    if (format === 'ndjson') for (const [seq, text] of part.listed) listing.add(seq, text);
    if (part.events > 0) yield part;
    if (isLast) break;
  }
  if (format === 'csv') return;
  const claim = { filter: described(filter), after: Math.min(first - 1, upTo), to: upTo, ...listing.summary() };
  const manifest = await exportSigning.manifestFor(claim);
  yield { bytes: Buffer.from(`${manifest}\n`), events: 0, seq: upTo, listing: claim };
}

interface ReadPart extends ExportedPart {
  readonly listed: readonly (readonly [seq: number, text: string])[];
}

/** The addresses of a part are asked for at once, when its events have been read. */
async function readPart(
  { auditLog, users }: ExportSource,
  filter: AuditFilter,
  range: Range,
  format: ExportFormat,
): Promise<ReadPart> {
  const events: Pick<ExportedEvent, 'seq' | 'hash' | 'actor' | 'subject' | 'personalSalt'>[] = [];
  const lines: string[] = [];
  const lineOf = format === 'csv' ? csvLine : ndjsonStart;
  const seq = await auditLog.exportable(filter, range, BATCH, (event) => {
    const { hash, actor, subject, personalSalt } = event;
    lines.push(lineOf(event));
    events.push({ seq: event.seq, hash, actor, subject, personalSalt });
  });
  if ((await auditLog.first()) > range.after + 1)
    throw new Error('The oldest events were dropped while they were exported, as their retention asks. Export again.');
  const ids = new Set(events.flatMap(({ actor, subject }) => [actor, subject]).filter((id) => id !== null));
  const emails = ids.size === 0 ? NO_EMAILS : await users.emails([...ids]).catch(notForThisRole);
  const all: [number, string][] = [];
  let bytes = Buffer.allocUnsafe(lines.length * USUAL_LINE);
  let end = 0;
  events.forEach((event, index) => {
    const beside = {
      erased: event.personalSalt === null,
      actorEmail: emails.get(event.actor ?? '') ?? null,
      subjectEmail: emails.get(event.subject ?? '') ?? null,
    };
    const line = `${lines[index]}${format === 'csv' ? csvEmails(beside) : ndjsonEmails(beside)}`;
    if (end + 3 * line.length > bytes.length) bytes = longer(bytes, end, 2 * bytes.length + 3 * line.length);
    end += bytes.write(line, end);
    if (format === 'ndjson') all.push([event.seq, listed(event.hash, beside)]);
  });
  return { bytes: bytes.subarray(0, end), events: events.length, seq, listed: all };
}

const NO_EMAILS: ReadonlyMap<string, string> = new Map();

/** The worker's role reads no accounts: what it exports has no addresses. */
function notForThisRole(error: { code?: string }): typeof NO_EMAILS {
  if (error.code === '42501') return NO_EMAILS;
  throw error;
}

function longer(bytes: Buffer<ArrayBuffer>, end: number, size: number): Buffer<ArrayBuffer> {
  const larger = Buffer.allocUnsafe(size);
  bytes.copy(larger, 0, 0, end);
  return larger;
}

interface Emails {
  readonly actorEmail: string | null;
  readonly subjectEmail: string | null;
}

/**
 * An event as a line: the JSON that was hashed, then what the hash does not cover. A verifier cuts it
 * in two and hashes the bytes; everybody else reads one flat object.
 */
export function ndjsonLine(event: ExportedEvent): string {
  return `${ndjsonStart(event)}}\n`;
}

/** The line without its end, so that more can follow. */
function ndjsonStart(event: ExportedEvent): string {
  const { personalSalt, prevHash, hash } = event;
  const salt = personalSalt === null ? 'null' : `"${personalSalt}"`;
  const line = `${sealedText(event, canonicalDetail(event.detail)).slice(0, -1)},${personalText(event).slice(1, -1)},"personalSalt":${salt},"prevHash":"${prevHash}","hash":"${hash}"`;
  return withoutSteering(line);
}

const canonical = new WeakMap<Detail, string>();

/** Rows that are copied out share their details. */
function canonicalDetail(detail: Detail): string {
  let text = canonical.get(detail);
  if (text === undefined) {
    text = detailText(detail);
    canonical.set(detail, text);
  }
  return text;
}

function ndjsonEmails({ actorEmail, subjectEmail }: Emails): string {
  if (actorEmail === null && subjectEmail === null) return ',"actorEmail":null,"subjectEmail":null}\n';
  const text = `,"actorEmail":${JSON.stringify(actorEmail)},"subjectEmail":${JSON.stringify(subjectEmail)}}`;
  return `${withoutSteering(text)}\n`;
}

/** The same JSON, without characters that steer a terminal or turn text around. */
export function withoutSteering(json: string): string {
  return STEERING.test(json) ? json.replace(EVERY_STEERING, escaped) : json;
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
  'actorEmail',
  'subjectEmail',
];

const CSV_HEADER = `${COLUMNS.join(',')}\r\n`;

function csvLine(event: ExportedEvent): string {
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
  return cells.map((one) => one ?? '').join(',');
}

/** The end of the row. */
function csvEmails({ actorEmail, subjectEmail }: Emails): string {
  return `,${cell(actorEmail)},${cell(subjectEmail)}\r\n`;
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
