// What a text that an operator typed can mean: an account, an event, a session, a request, an address.
// Each is looked up by an index; only parts of e-mail addresses are looked through, for so long at most.
import { EVERY_EVENT } from '../../../core/audit/reading/query.ts';
import type { Context } from '../../../core/context.ts';
import { readSessionTimeline } from '../../../core/sessions/session-timeline.ts';
import { isUuid } from '../../http/query.ts';
import type { Meaning } from '../../view/find-views.ts';
import { AUDIT_PATH, auditHref, readAddress } from '../log/filter.ts';
import { USERS } from '../people/find-user.ts';
import { sessionHref } from '../sessions/href.ts';
import { titleOf } from '../words/event-titles.ts';

/** So many people are offered. */
export const MOST_PEOPLE = 20;
const PEOPLE_WITHIN_MS = 1_500;
/** As the console prints a number, or as it is typed; with a sign before it, it is nothing else. */
const NUMBER = /^(#|no\.? ?|event ?)?(\d{1,3}(?:,\d{3})+|\d{1,15})$/i;
const REQUEST = /^[\w-]{1,200}$/;

export interface Meanings {
  readonly meanings: readonly Meaning[];
  /** There are more people than are offered; or it would take too long to look through all. */
  readonly people: 'all' | 'more' | 'not looked through';
}

type Needed = Pick<Context, 'auditLog' | 'users' | 'userSearch' | 'database'>;

export async function meaningsOf(typed: string, context: Needed): Promise<Meanings> {
  const number = NUMBER.exec(typed);
  if (number?.[1] || number?.[2]?.includes(',')) return alone(await eventMeanings(number[2] ?? '', context));
  const id = typed.toLowerCase();
  if (isUuid(id)) return alone(await idMeanings(id, context));
  const address = readAddress(typed);
  if (address !== null) return alone(await addressMeanings(address, context));
  const exact = await context.users.findByEmail(typed);
  if (exact) return alone([personMeaning(exact)]);
  const [events, requests, people] = await Promise.all([
    number ? eventMeanings(typed, context) : [],
    REQUEST.test(typed) ? requestMeanings(typed, context) : [],
    context.userSearch.named(typed, MOST_PEOPLE + 1, PEOPLE_WITHIN_MS),
  ]);
  const named = people?.slice(0, MOST_PEOPLE).map(personMeaning) ?? [];
  return {
    meanings: [...events, ...requests, ...named],
    people: people === null ? 'not looked through' : people.length > MOST_PEOPLE ? 'more' : 'all',
  };
}

const alone = (meanings: Meaning[]): Meanings => ({ meanings, people: 'all' });

function personMeaning({ id, email }: { readonly id: string; readonly email: string }): Meaning {
  return { what: 'Person', name: email, note: null, href: `${USERS}/${id}` };
}

async function eventMeanings(number: string, { auditLog }: Needed): Promise<Meaning[]> {
  const event = await auditLog.event(Number(number.replaceAll(',', '')));
  if (!event) return [];
  const seq = event.seq.toLocaleString('en');
  return [{ what: 'Event', name: `No. ${seq}`, note: titleOf(event.type), href: `${AUDIT_PATH}/${event.seq}` }];
}

/** An id is a person's, a session's or a request's; of what is deleted the log may still tell. */
async function idMeanings(id: string, context: Needed): Promise<Meaning[]> {
  const { users, database } = context;
  const [user, deletedAt, timeline, requests] = await Promise.all([
    users.find(id),
    users.deletedAt(id),
    readSessionTimeline(database.pool, id),
    requestMeanings(id, context),
  ]);
  const person =
    user || deletedAt ? [personMeaning({ id, email: user?.email ?? id })] : await pastMeanings(id, context);
  const ofSession = timeline.userId === null ? [] : [await sessionMeaning(id, timeline.userId, context)];
  return [...person, ...ofSession, ...requests];
}

/** Of an account that is gone, or that an invitation may become. */
async function pastMeanings(id: string, { auditLog }: Needed): Promise<Meaning[]> {
  const { events } = await auditLog.page({ ...EVERY_EVENT, person: id }, null, 1);
  if (events.length === 0) return [];
  return [{ what: 'Person', name: id, note: 'its events; there is no account', href: auditHref({ person: id }) }];
}

async function sessionMeaning(id: string, userId: string, { users }: Needed): Promise<Meaning> {
  const email = (await users.emails([userId])).get(userId) ?? userId;
  return { what: 'Session', name: id, note: `of ${email}`, href: sessionHref(id) };
}

async function requestMeanings(request: string, { auditLog }: Needed): Promise<Meaning[]> {
  const { events } = await auditLog.page({ ...EVERY_EVENT, request }, null, 1);
  return events.length === 0
    ? []
    : [{ what: 'Request', name: request, note: 'its events', href: auditHref({ request }) }];
}

/** A network may need more time than there is to find its first event: then the log itself says how far it looked. */
async function addressMeanings(address: string, { auditLog }: Needed): Promise<Meaning[]> {
  const { events, lookedTo } = await auditLog.page({ ...EVERY_EVENT, address }, null, 1);
  if (events.length === 0 && lookedTo === null) return [];
  const what = address.includes('/') ? 'Network' : 'IP address';
  return [{ what, name: address, note: 'its events', href: auditHref({ address }) }];
}
