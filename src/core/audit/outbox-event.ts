// Reads an event from the outbox, whichever version wrote it. An event of any shape can be sealed:
// one that could not be would block all others for ever.
import { v7 as uuidv7, validate } from 'uuid';
import { canonicalAddress } from './canonical-event.ts';
import type { AttemptNote, BlockNote, Detail, OutboxEvent } from './events.ts';

/** Names are indexed: their length is limited. */
const MAX_NAME = 100;
/** The year 10000: dates have four digits. */
const END_OF_DATES = Date.UTC(10_000, 0);

export type KnownEvent = ReturnType<typeof readOutboxEvent>;

/** The known fields. What a newer version added, and what makes no sense, goes into the detail. */
export function readOutboxEvent(waiting: Partial<Record<keyof OutboxEvent, unknown>> | null, now: Date) {
  const { v, id, occurredAt, type, outcome, actor, subject, session, requestId, ip, userAgent, detail, ...newer } =
    waiting instanceof Object ? waiting : { detail: { event: waiting } };
  const odd: Record<string, unknown> = {};
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
  return JSON.parse(JSON.stringify(details)) as Detail;
}

/** A row of the outbox beside its event. */
export interface Notes {
  readonly attempt: AttemptNote | null;
  readonly block: BlockNote | null;
}
