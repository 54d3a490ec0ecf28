// Reads a row of the outbox, whichever version wrote it. A row of any shape can be sealed: one that
// could not be would block all others for ever.
import { v7 as uuidv7, validate } from 'uuid';
import { canonicalAddress } from './canonical-event.ts';
import type { Detail, OutboxEvent } from './events.ts';
import { type Notes, readNotes } from './outbox-notes.ts';

/** Names are indexed: their length is limited. */
const MAX_NAME = 100;
const DEEPEST = 32;
/** The year 10000: dates have four digits. */
const END_OF_DATES = Date.UTC(10_000, 0);

/** `place` is noticed when the event is sealed: the text of a place (places/place.ts). */
export type KnownEvent = ReturnType<typeof readOutboxEvent> & { readonly place?: string };

/** A row of the outbox as it was found. */
export interface OutboxRow {
  readonly event: Partial<Record<keyof OutboxEvent, unknown>> | null;
  readonly attempt: unknown;
  readonly block: unknown;
}

/**
 * The event and its notes. What a newer version added, and what makes no sense, goes into the
 * event's detail.
 */
export function readOutboxRow(row: OutboxRow, now: Date): { readonly event: KnownEvent; readonly notes: Notes } {
  const odd: Record<string, unknown> = {};
  const notes = readNotes(row, odd);
  return { event: readOutboxEvent(row.event, now, odd), notes };
}

/** An event alone. `odd` goes into its detail too. */
export function readOutboxEvent(waiting: OutboxRow['event'], now: Date, odd: Record<string, unknown> = {}) {
  const { v, id, occurredAt, type, outcome, actor, subject, session, requestId, ip, userAgent, detail, ...newer } =
    waiting instanceof Object ? waiting : { detail: { event: waiting } };
  const take = <T>(name: string, value: unknown, fits: (text: string) => T | null): T | null => {
    if (value === null || value === undefined) return null;
    const taken = typeof value === 'string' ? fits(value) : null;
    if (taken === null) odd[name] = value;
    return taken;
  };
  const known = {
    id: take('id', id, uuid) ?? uuidv7(),
    occurredAt: take('occurredAt', occurredAt, moment) ?? now,
    type: take('type', type, name) ?? 'unknown',
    outcome: take('outcome', outcome, name) ?? 'unknown',
    actor: take('actor', actor, uuid),
    subject: take('subject', subject, uuid),
    session: take('session', session, uuid),
    requestId: take('requestId', requestId, text),
    ip: take('address', ip, canonicalAddress),
    userAgent: take('userAgent', userAgent, text),
  };
  const details =
    detail instanceof Object ? detail : { ...(detail === undefined || detail === null ? {} : { detail }) };
  return { ...known, detail: isPlain(details, newer, odd) ? details : readBack({ ...details, ...newer, ...odd }) };
}

const uuid = (value: string) => (validate(value) ? value.toLowerCase() : null);
const moment = (value: string) => {
  const time = Date.parse(value);
  return time >= 0 && time < END_OF_DATES ? new Date(time) : null;
};
const text = (value: string) => value;
const name = (value: string) => (value.length <= MAX_NAME ? value : null);

function isPlain(details: object, newer: object, odd: object): details is Detail {
  if (Array.isArray(details)) return false;
  for (const _ in newer) return false;
  for (const _ in odd) return false;
  return Object.values(details).every(
    (value) => value === null || typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value),
  );
}

/** What JSON can't say is dropped. */
function readBack(details: object): Detail {
  return JSON.parse(JSON.stringify(flatter(details, DEEPEST))) as Detail;
}

/** What is nested deeper than that is kept as text: hashing it would take more stack than there is. */
function flatter(value: unknown, levels: number): unknown {
  if (!(value instanceof Object)) return value;
  if (levels === 0) return asText(value);
  if (Array.isArray(value)) return value.map((one) => flatter(one, levels - 1));
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, flatter(one, levels - 1)]));
}

function asText(value: object): string {
  try {
    return JSON.stringify(value);
  } catch {
    return '(nested too deep to be kept)';
  }
}
