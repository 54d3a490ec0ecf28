// What is noticed about events when they are sealed: where they came from, and what is unusual about a log-in for its person.
// It is sealed with the event. The log-in itself waits for none of this.
import type pg from 'pg';
import { AUDIT_EVENTS } from '../audit/events.ts';
import type { Notice } from '../audit/notice.ts';
import type { KnownEvent } from '../audit/outbox-event.ts';
import { type KeptPlace, type Place, placeText } from '../places/place.ts';
import type { Places } from '../places/places.ts';
import { deviceNames } from '../platform/device-names.ts';
import { readHabitsOf, readLogInsOf, writeHabits } from './habit-rows.ts';
import { type Habits, type LogIn, learn, NO_HABITS } from './habits.ts';
import { type Unusual, whatIsUnusual } from './marks.ts';

/** Who proved who they are, or a part of it. What they tell of somebody else's guesses would mark everything. */
const JUDGED: ReadonlySet<string> = new Set([
  'authn_login_success',
  'authn_second_factor_asked',
  'authn_confirm_success',
  'authn_password_reset',
]);
/** Of these habits are made. */
const LEARNT: ReadonlySet<string> = new Set(['authn_login_success', 'user_created']);
const PLACED: ReadonlySet<string> = new Set(Object.keys(AUDIT_EVENTS.authentication));

const NOTHING_UNUSUAL: Unusual = { marks: [], usual: {} };

export function createNoticing({ places }: { readonly places: Places }): Notice {
  const logInOf = ({ occurredAt, ip, userAgent }: Pick<KnownEvent, 'occurredAt' | 'ip' | 'userAgent'>): LogIn => ({
    at: occurredAt,
    place: places.find(ip),
    browser: deviceNames(userAgent).name ?? '',
  });

  /** Who has none yet gets those of the log-ins that the log has. */
  async function habitsOf(client: pg.ClientBase, people: readonly string[]): Promise<Map<string, Habits>> {
    const found = await readHabitsOf(client, people);
    const others = people.filter((id) => !found.has(id));
    const earlier = others.length > 0 ? await readLogInsOf(client, others) : new Map<string, never[]>();
    for (const id of others) found.set(id, (earlier.get(id) ?? []).map(logInOf).reduce(learn, NO_HABITS));
    return found;
  }

  return () => {
    /** Of everybody in the transaction, kept up with what they do in it. */
    const habits = new Map<string, Habits>();
    const learnt = new Set<string>();

    function noticed(event: KnownEvent): KnownEvent {
      const person = personOf(event);
      if (person === null && !isPlaced(event)) return event;
      const login = logInOf(event);
      const before = person === null ? undefined : habits.get(person);
      if (person !== null && before && LEARNT.has(event.type)) {
        habits.set(person, learn(before, login));
        learnt.add(person);
      }
      const unusual = before && JUDGED.has(event.type) ? whatIsUnusual(before, login) : NOTHING_UNUSUAL;
      return withNotice(event, login.place, unusual);
    }

    return {
      async prepare(client, events) {
        const people = new Set(events.flatMap((event) => personOf(event) ?? []));
        if (people.size > 0 || events.some(isPlaced)) await places.refresh();
        const strangers = [...people].filter((id) => !habits.has(id));
        if (strangers.length === 0) return;
        for (const [id, one] of await habitsOf(client, strangers)) habits.set(id, one);
      },
      notice: (events) => events.map(noticed),
      finish: (client) => writeHabits(client, new Map([...habits].filter(([id]) => learnt.has(id)))),
    };
  };
}

const isPlaced = ({ type, ip }: KnownEvent) => ip !== null && PLACED.has(type);

/** Whose habits the event is held against; null for what they did not do themselves, and for what was erased. */
function personOf({ type, outcome, actor, subject, ip, userAgent }: KnownEvent): string | null {
  if (outcome !== 'success' || subject === null || (actor !== null && actor !== subject)) return null;
  if (!(JUDGED.has(type) || LEARNT.has(type)) || (ip === null && userAgent === null)) return null;
  return subject;
}

function withNotice(event: KnownEvent, { point: _, ...place }: Place, { marks, usual }: Unusual): KnownEvent {
  const kept: KeptPlace = marks.length > 0 ? { ...place, usual } : place;
  const text = event.ip === null ? null : placeText(kept);
  return {
    ...event,
    ...(text === null ? {} : { place: text }),
    ...(marks.length > 0 ? { detail: { ...event.detail, unusual: marks.join(' ') } } : {}),
  };
}
