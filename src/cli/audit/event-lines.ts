// Sealed events on a terminal: columns, or a line of JSON each.
import type { SealedEvent } from '../../core/audit/canonical-event.ts';
import { readPlace } from '../../core/places/place.ts';
import { type AsJson, printList } from '../terminal/list.ts';
import { sayJson } from '../terminal/output.ts';

interface Accounts {
  emails(ids: readonly string[]): Promise<ReadonlyMap<string, string>>;
}

interface Row {
  readonly seq: number;
  readonly occurredAt: Date;
  readonly type: string;
  readonly outcome: string;
  readonly ip: string | null;
  readonly actor: string;
  readonly subject: string;
  readonly detail: string;
}

const COLUMNS = {
  seq: 'number',
  occurredAt: 'time',
  type: 'type',
  outcome: 'outcome',
  ip: 'IP address',
  actor: 'by',
  subject: 'about',
  detail: 'detail',
};

/** Accounts by e-mail address in columns, where there still is one; by id in JSON. */
export function printEvents(
  { emails }: Accounts,
  { json, none }: AsJson & { readonly none?: string },
): (events: readonly SealedEvent[]) => Promise<void> {
  const print = printList<Row>(COLUMNS, { json: false, ...(none === undefined ? {} : { none }) });
  return async (events) => {
    if (json) for (const event of events) sayJson(jsonOf(event));
    if (json) return;
    const known = await emails(events.flatMap(({ actor, subject }) => [actor, subject].filter((id) => id !== null)));
    const nameOf = (id: string | null) => (id === null ? '' : (known.get(id) ?? id));
    print(
      events.map((event) => ({
        ...event,
        actor: nameOf(event.actor),
        subject: event.subject === event.actor ? '' : nameOf(event.subject),
        detail: detailOf(event),
      })),
    );
  };
}

function detailOf({ detail }: SealedEvent): string {
  const parts = Object.entries(detail).map(([name, value]: [string, unknown]) => {
    return `${name}: ${value instanceof Object ? JSON.stringify(value) : String(value)}`;
  });
  return parts.join(', ');
}

function jsonOf({ personalSalt: _, personalHash: _personal, prevHash, hash, place = null, ...event }: SealedEvent) {
  return {
    ...event,
    place: readPlace(place),
    prevHash: prevHash.toString('base64url'),
    hash: hash.toString('base64url'),
  };
}
