// Where an event waits, from the transaction of what it tells of until the worker seals it. A lost
// nudge loses no event: the schedule sweeps the outbox.
import { v7 as uuidv7 } from 'uuid';
import { Prisma } from '../../generated/prisma/client.ts';
import { nudgeAfterCommit, type Transaction } from '../platform/database.ts';
import type { AttemptNote, BlockNote, Detail, NewAuditEvent, OutboxEvent } from './events.ts';

const MAX_TEXT = 1_024;

/** Whether an event waits. */
export const EVENT_WAITS = Prisma.sql`EXISTS (SELECT FROM outbox)`;

export interface EventNote {
  readonly event: NewAuditEvent;
  readonly attempt?: AttemptNote | undefined;
  readonly block?: BlockNote | undefined;
}

/** Records an event in the caller's transaction; returns its id. Text is cut to 1,024 characters. */
export async function recordEvent(
  transaction: Transaction,
  event: NewAuditEvent,
  attempt?: AttemptNote,
  block?: BlockNote,
): Promise<string> {
  const id = event.id ?? uuidv7();
  await recordEvents(transaction, [{ event: { ...event, id }, attempt, block }]);
  return id;
}

/** Several events in order, in one statement: outside a transaction, all are recorded or none. */
export async function recordEvents(
  client: Pick<Transaction, '$executeRaw'>,
  notes: readonly EventNote[],
): Promise<void> {
  if (notes.length === 0) return;
  await client.$executeRaw(insertEvents(notes));
  nudgeAfterCommit(client, 'seal-events');
}

/** The statement that records events once for each row of `from`. They occurred when PostgreSQL took it. */
export function insertEvents(notes: readonly EventNote[], from: Prisma.Sql = Prisma.sql`(SELECT) AS once`): Prisma.Sql {
  const rows = notes.map(({ event, ...beside }) => ({ ...beside, event: outboxEvent(event) }));
  return Prisma.sql`
    INSERT INTO outbox (event, attempt, block)
    SELECT (note -> 'event') || jsonb_build_object('occurredAt', ${EVENT_NOW}), note -> 'attempt', note -> 'block'
      FROM jsonb_array_elements(${JSON.stringify(rows)}::jsonb) WITH ORDINALITY AS given(note, place), ${from}
     ORDER BY place`;
}

/** PostgreSQL's: windows and blocks of the throttle count from it. As `Date.toISOString` writes it. */
export const EVENT_NOW = Prisma.sql`to_char(statement_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

/** An event as it waits, but for its moment. */
export function outboxEvent(event: NewAuditEvent): Omit<OutboxEvent, 'occurredAt'> {
  return {
    v: 1,
    id: event.id ?? uuidv7(),
    type: event.type,
    outcome: event.outcome,
    actor: event.actor,
    subject: event.subject,
    session: event.session ?? null,
    requestId: fitForJson(event.origin.requestId),
    ip: event.origin.ip,
    userAgent: fitForJson(event.origin.userAgent),
    detail: Object.fromEntries(
      Object.entries(detailOf(event)).map(([key, value]) => [
        key,
        typeof value === 'string' ? fitForJson(value) : value,
      ]),
    ),
  };
}

/** Of a command also who gave it, and its reason where the event has none of its own. */
function detailOf({ detail = {}, origin: { command } }: NewAuditEvent): Detail {
  if (command === undefined) return detail;
  const { user, host, reason } = command;
  return { ...(reason === '' ? {} : { reason }), ...detail, by: 'cli', user, host };
}

/** Whether a command left an event with this detail. */
export function isByCommand({ by }: Detail): boolean {
  return by === 'cli';
}

/** PostgreSQL's JSON refuses the null character and lone surrogates. */
function fitForJson(text: string | null): string | null {
  return text === null ? null : text.slice(0, MAX_TEXT).toWellFormed().replaceAll('\u0000', '\ufffd');
}
