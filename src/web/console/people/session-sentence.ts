// A session as a sentence: its browser, its IP address, when it began, and whether it lives.
import type { SessionSight } from '../../../core/sessions/session-table.ts';
import { describeDevice } from '../../texts/times-and-devices.ts';
import type { Times } from '../../texts/zoned-times.ts';
import type { SessionSentence, SessionState } from '../../view/console-views.ts';
import { endingWords } from '../words/reasons.ts';
import { USERS } from './find-user.ts';

interface Reader {
  readonly times: Times;
  /** The session of the operator who reads. */
  readonly ownId: string | undefined;
}

export function sessionSentence(session: SessionSight, { times, ownId }: Reader): SessionSentence {
  return {
    device: describeDevice(session.userAgent),
    address: session.ip,
    began: times.prose(session.createdAt),
    state: sessionState(session, times),
    isYours: session.id === ownId,
  };
}

export function sessionState(session: SessionSight, times: Times): SessionState {
  const { id, userId, endedAt, endReason, lastSeenAt } = session;
  if (endedAt !== null) {
    return { live: false, at: times.prose(endedAt), why: endingWords(endReason ?? 'ended'), endHref: null };
  }
  return { live: true, at: times.prose(lastSeenAt), why: null, endHref: `${USERS}/${userId}/sessions/${id}/revoke` };
}
