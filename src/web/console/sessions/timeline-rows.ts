// The events of a session's timeline as rows, oldest first. An address, a browser or a person is said
// where it is another than in the row before: that is what an operator looks for.
import type { SealedEvent } from '../../../core/audit/canonical-event.ts';
import type { SessionTimeline } from '../../../core/sessions/session-timeline.ts';
import { marksInWords } from '../../texts/places.ts';
import { describeDevice } from '../../texts/times-and-devices.ts';
import type { Times } from '../../texts/zoned-times.ts';
import type { TimelineRow } from '../../view/session-views.ts';
import { detailRows } from '../log/detail-rows.ts';
import { AUDIT_PATH, auditHref } from '../log/filter.ts';
import { USERS } from '../people/find-user.ts';
import { titleOf } from '../words/event-titles.ts';

interface About {
  /** Whose session it is. */
  readonly userId: string;
  readonly asked: string;
  readonly emails: ReadonlyMap<string, string>;
  readonly times: Times;
}

export function timelineRows({ before, inside, meanwhile, sessions }: SessionTimeline, about: About): TimelineRow[] {
  const applications = new Map(sessions.map(({ id, application }) => [id, application]));
  const kinds = [
    ...before.map((event) => ({ event, kind: 'before' as const })),
    ...inside.map((event) => ({ event, kind: 'inside' as const })),
    ...meanwhile.map((event) => ({ event, kind: 'meanwhile' as const })),
  ].sort((one, other) => one.event.seq - other.event.seq);
  let [address, userAgent]: (string | null)[] = [null, null];
  return kinds.map(({ event, kind }) => {
    const theirs = event.actor === null || event.actor === about.userId;
    const moved = theirs && event.ip !== null && event.ip !== address;
    const changed = theirs && event.userAgent !== null && event.userAgent !== userAgent;
    if (theirs) [address, userAgent] = [event.ip ?? address, event.userAgent ?? userAgent];
    return {
      kind,
      href: `${AUDIT_PATH}/${event.seq}`,
      at: about.times.clock(event.occurredAt),
      title: titleOf(event.type),
      failed: event.outcome === 'failure',
      by: theirs ? null : personOf(event.actor, about.emails),
      address: moved && event.ip ? { text: event.ip, onlyHref: auditHref({ address: event.ip }) } : null,
      device: changed ? describeDevice(event.userAgent) : null,
      where: whereOf(event, applications, about.asked),
      unusual: marksInWords(event.detail['unusual']),
      detail: detailWords(event),
    };
  });
}

function personOf(id: string | null, emails: ReadonlyMap<string, string>): TimelineRow['by'] {
  return id === null ? null : { email: emails.get(id) ?? id, href: `${USERS}/${id}` };
}

/** In which session it happened, where that is not the one of the page. */
function whereOf(
  { session }: SealedEvent,
  applications: ReadonlyMap<string, string | null>,
  asked: string,
): string | null {
  if (session === null || session === asked || !applications.has(session)) return null;
  const application = applications.get(session) ?? null;
  return application === null ? 'another session of this log-in' : `session at ${application}`;
}

/** "reason: its owner logged out"; what the row says anyway is left out. */
function detailWords({ detail }: SealedEvent): string {
  const { parent: _, unusual: _marks, ...said } = detail;
  if (Object.keys(said).length === 0) return '';
  return detailRows(said)
    .map(({ name, value, words }) => `${name}: ${words ?? value}`)
    .join(', ');
}
