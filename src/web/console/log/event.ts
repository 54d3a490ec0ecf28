// One event of the audit log: its details, its check, and the events around it.
import type Router from '@koa/router';
import type Koa from 'koa';
import { checkEvent, GENESIS_HASH, type SealedEvent } from '../../../core/audit/canonical-event.ts';
import { AUDIT_EVENTS } from '../../../core/audit/events.ts';
import { EVERY_EVENT } from '../../../core/audit/reading/query.ts';
import type { Context } from '../../../core/context.ts';
import { readPlace } from '../../../core/places/place.ts';
import type { SessionSight } from '../../../core/sessions/session-table.ts';
import { HttpError } from '../../http/http-error.ts';
import { requireConsole } from '../../session/access.ts';
import { whereabouts } from '../../texts/places.ts';
import type { Times } from '../../texts/zoned-times.ts';
import { timesOf, type Web } from '../../view/page.ts';
import type { Views } from '../../view/views.ts';
import { sessionState } from '../people/session-sentence.ts';
import { sessionHref } from '../sessions/href.ts';
import { titleOf } from '../words/event-titles.ts';
import { unusualReasons } from '../words/unusual.ts';
import { detailRows } from './detail-rows.ts';
import { AUDIT_PATH, auditHref } from './filter.ts';
import { accountsOf, auditRow } from './row.ts';

const SEQ = /^[1-9]\d{0,15}$/;
const BESIDE = 5;

const MEANINGS = new Map<string, string>(Object.values(AUDIT_EVENTS).flatMap((types) => Object.entries(types)));

export function eventPage(router: Router, web: Web): void {
  router.get(`${AUDIT_PATH}/:seq`, requireConsole(web.context), (ctx) => showEvent(ctx, web));
}

async function showEvent(ctx: Koa.Context, web: Web): Promise<void> {
  const asked: unknown = ctx['params'].seq;
  if (typeof asked !== 'string' || !SEQ.test(asked)) throw new HttpError(404, 'no_event');
  const found = await readAround(web.context, Number(asked));
  if (!found) throw new HttpError(404, 'no_event');
  const { event, ofSession, ofRequest } = found;
  await web.noteRead(ctx, [event.actor, event.subject], 'events');
  const emails = await web.context.users.emails(accountsOf([event, ...ofSession, ...ofRequest]));
  const page = pageOf(found, emails, timesOf(ctx));
  await web.show(ctx, 'operator/event', page, {
    title: `${titleOf(event.type)}, event ${event.seq}`,
    current: 'audit',
    wide: true,
  });
}

interface Found {
  readonly event: SealedEvent;
  readonly before: SealedEvent | null;
  readonly newest: number;
  readonly ofSession: readonly SealedEvent[];
  readonly ofRequest: readonly SealedEvent[];
  /** The event's session as it is now. */
  readonly sight: SessionSight | null;
}

async function readAround(
  { auditLog, sessions }: Pick<Context, 'auditLog' | 'sessions'>,
  seq: number,
): Promise<Found | null> {
  const [event, before, head] = await Promise.all([auditLog.event(seq), auditLog.event(seq - 1), auditLog.head()]);
  if (!event) return null;
  const { session, requestId: request } = event;
  const [ofSession, ofRequest, sight] = await Promise.all([
    session === null ? [] : auditLog.around({ ...EVERY_EVENT, session }, seq, BESIDE),
    request === null ? [] : auditLog.around({ ...EVERY_EVENT, request }, seq, BESIDE),
    session === null ? null : sessions.look(session),
  ]);
  return { event, before, newest: head.seq, ofSession, ofRequest, sight };
}

function pageOf(
  { event, before, newest, ofSession, ofRequest, sight }: Found,
  emails: ReadonlyMap<string, string>,
  times: Times,
): Views['operator/event'] {
  const { seq, session, requestId } = event;
  const rowOf = (one: SealedEvent) => auditRow(one, emails, {}, times);
  return {
    row: rowOf(event),
    occurredAt: times.prose(event.occurredAt),
    exactly: times.exact(event.occurredAt),
    sealedAt: times.prose(event.sealedAt),
    sealedExactly: times.exact(event.sealedAt),
    meaning: MEANINGS.get(event.type) ?? null,
    id: event.id,
    session:
      session === null
        ? null
        : {
            text: session,
            onlyHref: auditHref({ session }),
            timelineHref: sessionHref(session),
            state: sight && sessionState(sight, times),
          },
    request: requestId === null ? null : { text: requestId, onlyHref: auditHref({ request: requestId }) },
    userAgent: event.userAgent,
    whereabouts: whereabouts(readPlace(event.place ?? null)),
    unusual: unusualReasons(event),
    erased: event.personalSalt === null,
    doneByHref: event.actor === null ? null : auditHref({ actor: event.actor }),
    details: detailRows(event.detail),
    hash: event.hash.toString('hex'),
    prevHash: event.prevHash.toString('hex'),
    problem: problemOf(event, before),
    proved: before || seq === 1 ? 'with the one before' : 'alone',
    olderHref: before ? `${AUDIT_PATH}/${seq - 1}` : null,
    newerHref: seq < newest ? `${AUDIT_PATH}/${seq + 1}` : null,
    ofSession: ofSession.map(rowOf),
    ofRequest: ofRequest.map(rowOf),
  };
}

/** Checks the link to the event before only while that is kept. */
function problemOf(event: SealedEvent, before: SealedEvent | null): string | null {
  const prevHash = event.seq === 1 ? GENESIS_HASH : (before?.hash ?? event.prevHash);
  const problem = checkEvent(event, { seq: event.seq, prevHash });
  return problem === null ? null : `This event does not prove itself: ${problem}.`;
}
