// A sealed event as a row, with links that narrow the log to each of its parts.
import type { SealedEvent } from '../../../core/audit/canonical-event.ts';
import { readPlace } from '../../../core/places/place.ts';
import { marksInWords, whereabouts } from '../../texts/places.ts';
import { describeDevice } from '../../texts/times-and-devices.ts';
import type { Times } from '../../texts/zoned-times.ts';
import type { AuditPerson, AuditRow } from '../../view/console-views.ts';
import { KNOWN_TYPES, titleOf } from '../words/event-titles.ts';
import { type Asked, AUDIT_PATH, auditHref } from './filter.ts';

export function accountsOf(events: readonly SealedEvent[]): string[] {
  return events.flatMap(({ actor, subject }) => [actor, subject].filter((id) => id !== null));
}

export function auditRow(
  event: SealedEvent,
  emails: ReadonlyMap<string, string>,
  asked: Partial<Asked>,
  times: Times,
): AuditRow {
  const outcome = event.outcome === 'success' ? 'success' : 'failure';
  return {
    seq: String(event.seq),
    href: `${AUDIT_PATH}/${event.seq}`,
    occurredAt: times.clock(event.occurredAt),
    type: event.type,
    title: titleOf(event.type),
    typeOnlyHref: KNOWN_TYPES.has(event.type) ? auditHref({ ...asked, type: event.type, not: '' }) : null,
    outcome,
    outcomeOnlyHref: auditHref({ ...asked, outcome }),
    actor: personOf(event.actor, emails, asked),
    subject: event.subject === event.actor ? null : personOf(event.subject, emails, asked),
    address: event.ip === null ? null : { text: event.ip, onlyHref: auditHref({ ...asked, address: event.ip }) },
    device: event.userAgent === null ? null : describeDevice(event.userAgent),
    place: placeOf(event),
    unusual: unusualOf(event, asked),
    detail: detailText(event.detail),
  };
}

function unusualOf({ detail }: SealedEvent, asked: Partial<Asked>): AuditRow['unusual'] {
  const text = marksInWords(detail['unusual']);
  return text === null ? null : { text, onlyHref: auditHref({ ...asked, unusual: 'yes' }) };
}

function placeOf(event: SealedEvent): AuditRow['place'] {
  const place = readPlace(event.place ?? null);
  const all = whereabouts(place);
  return all === null ? null : { code: place?.country ?? '?', title: `${all}: a guess by the IP address` };
}

export function personOf(
  id: string | null,
  emails: ReadonlyMap<string, string>,
  asked: Partial<Asked>,
): AuditPerson | null {
  if (id === null) return null;
  const email = emails.get(id) ?? id;
  return { id, email, onlyHref: auditHref({ ...asked, person: id }) };
}

/** "reason: wrong_password, attempts: 5": as it is searched (SEARCHED_DETAIL). */
export function detailText(detail: SealedEvent['detail']): string {
  return Object.entries(detail)
    .map(([name, value]) => `${name}: ${detailValue(value)}`)
    .join(', ');
}

function detailValue(value: unknown): string {
  return value instanceof Object ? JSON.stringify(value) : String(value);
}
