// Events that never happened, to try the log out with and to measure it: months of ordinary days with a peak on Monday
// mornings, quiet nights and weekends, an attack, journeys. In the order in which they would have happened; the same ones
// for the same seed. Each says in its detail that it is made up.
import type { AuditEventType, Detail, Outcome } from '../audit/events.ts';
import type { KnownEvent, Notes } from '../audit/outbox-event.ts';
import { hashToken } from '../credentials/random-token.ts';
import { addressOfFour, makeUpPeople, type Person, pick, type Random, uuidAt } from './made-up-people.ts';

export interface MadeUp extends Notes {
  readonly event: KnownEvent;
}

export interface MakingUp {
  readonly random: Random;
  readonly events: number;
  readonly people: number;
  readonly from: Date;
  readonly to: Date;
}

const HOUR = 3_600_000;
const WEEK = 168 * HOUR;
/** Share of the events that the attack makes, in three hours, after this share of the span. */
const ATTACK = { share: 0.08, hours: 3, after: 0.62, addresses: 40 };
/** How busy each hour of a day is, from midnight on, where the people live. */
const DAY = [1, 1, 1, 1, 1, 2, 6, 18, 40, 34, 26, 22, 18, 22, 24, 22, 18, 14, 10, 9, 8, 6, 4, 2];
const WEEKEND = 0.18;
const MONDAY_MORNING = 2.5;

interface Session {
  readonly id: string;
  readonly person: Person;
}

/** Makes up the people first, then their events, an hour at a time. */
export function makeUp(options: MakingUp): { readonly people: readonly Person[]; readonly hours: Iterable<MadeUp[]> } {
  const people = makeUpPeople(options.random, Math.max(1, options.people), options.from.getTime());
  return { people, hours: hoursOf(options, people) };
}

function* hoursOf({ random, events, from, to }: MakingUp, people: readonly Person[]): Generator<MadeUp[]> {
  const start = from.getTime();
  const hours = Math.max(1, Math.floor((to.getTime() - start) / HOUR));
  const weights = Array.from({ length: hours }, (_, hour) => busyness(new Date(start + hour * HOUR)));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const attackFrom = Math.floor(hours * ATTACK.after);
  const attacked = hours > ATTACK.hours ? Math.floor(events * ATTACK.share) : 0;
  const story = createStory(random, people, { start, span: hours * HOUR });
  let made = 0;
  let due = 0;
  for (const [hour, weight] of weights.entries()) {
    due += (weight / total) * (events - attacked);
    if (hour >= attackFrom && hour < attackFrom + ATTACK.hours) due += attacked / ATTACK.hours;
    const inAttack = attacked > 0 && hour >= attackFrom && hour < attackFrom + ATTACK.hours;
    const count = (hour === hours - 1 ? events : Math.round(due)) - made;
    made += count;
    yield story.hour(start + hour * HOUR, count, inAttack ? Math.floor(attacked / ATTACK.hours) : 0);
  }
}

function busyness(time: Date): number {
  const day = time.getUTCDay();
  const hour = time.getUTCHours();
  const base = DAY[hour] ?? 1;
  if (day === 0 || day === 6) return base * WEEKEND;
  return day === 1 && hour >= 7 && hour <= 9 ? base * MONDAY_MORNING : base;
}

function createStory(random: Random, people: readonly Person[], { start, span }: { start: number; span: number }) {
  const sessions: Session[] = [];
  const attackers = Array.from({ length: ATTACK.addresses }, () => addressOfFour(random));
  const operators = people.slice(0, Math.max(1, Math.floor(people.length / 500)));
  let requests = 0;
  let registered = 0;

  /** Some people come every day and most come rarely. */
  const anyone = () => people[Math.floor(random() ** 2 * people.length)] as Person;

  const placeOf = (person: Person, time: number) => {
    const gone = person.journey ? time - start - person.journey.from * span : -1;
    return person.journey && gone >= 0 && gone < WEEK ? person.journey.ip : person.ip;
  };

  /** One request of one browser, and what it leads to. */
  function request(time: number, who: { person: Person | null; ip: string | null; userAgent: string | null }) {
    requests += 1;
    const requestId = who.ip === null ? null : `seed${(start / HOUR).toString(36)}-${requests.toString(36)}`;
    const told: MadeUp[] = [];
    return {
      told,
      tell(
        type: AuditEventType,
        outcome: Outcome,
        { detail, session, actor, subject, identifier, block }: Partial<Telling> = {},
      ) {
        told.push({
          event: {
            id: uuidAt(random, time),
            occurredAt: new Date(time),
            type,
            outcome,
            actor: actor === undefined ? (who.person?.id ?? null) : actor,
            subject: subject === undefined ? (who.person?.id ?? null) : subject,
            session: session ?? null,
            requestId,
            ip: who.ip,
            userAgent: who.userAgent,
            detail: { ...detail, made_up: true },
          },
          attempt:
            identifier === undefined
              ? null
              : { identifierHash: hashToken(identifier).toString('base64url'), device: null },
          block: block ?? null,
        });
      },
    };
  }

  const from = (person: Person, time: number) => ({
    person,
    ip: placeOf(person, time),
    userAgent: pick(random, person.browsers),
  });

  function logIn(time: number): MadeUp[] {
    const person = anyone();
    const who = from(person, time);
    const tries: MadeUp[] = [];
    for (let slips = person.forgetful && random() < 0.5 ? 1 + Math.floor(random() * 2) : 0; slips > 0; slips -= 1) {
      const failed = request(time - slips * 9_000, who);
      failed.tell('authn_login_fail', 'failure', { actor: null, identifier: person.email });
      tries.push(...failed.told);
    }
    const done = request(time, who);
    const session = uuidAt(random, time);
    done.tell('authn_login_success', 'success', { session, identifier: person.email });
    done.tell('session_created', 'success', { session, detail: { remember: random() < 0.4 } });
    if (who.ip !== person.ip || random() < 0.03) {
      done.tell('authn_new_device', 'success', {
        session,
        detail: { new: who.ip === person.ip ? 'browser' : 'network' },
      });
    }
    sessions.push({ id: session, person });
    return [...tries, ...done.told];
  }

  function endSession(time: number): MadeUp[] {
    const at = Math.floor(random() * sessions.length);
    const ending = sessions[at];
    if (!ending) return logIn(time);
    sessions[at] = sessions[sessions.length - 1] as Session;
    sessions.pop();
    const expired = random() < 0.45;
    const by = request(time, expired ? { person: null, ip: null, userAgent: null } : from(ending.person, time));
    const subject = ending.person.id;
    if (expired)
      by.tell('session_expired', 'success', {
        session: ending.id,
        actor: null,
        subject,
        detail: { reason: 'expired' },
      });
    else by.tell('session_ended', 'success', { session: ending.id, subject, detail: { reason: 'logged_out' } });
    return by.told;
  }

  function rare(time: number): MadeUp[] {
    const chance = random();
    const person = chance < 0.4 ? (people[registered++ % people.length] as Person) : anyone();
    const by = request(time, from(chance < 0.55 ? person : pick(random, operators), time));
    if (chance < 0.4)
      by.tell('user_created', 'success', { actor: person.id, subject: person.id, detail: { role: 'member' } });
    else if (chance < 0.48) by.tell('authn_password_change', 'success');
    else if (chance < 0.55) by.tell('authz_fail', 'failure', { subject: null, detail: { path: '/operator/audit' } });
    else if (chance < 0.93) by.tell('sensitive_read', 'success', { subject: person.id, detail: { what: 'sessions' } });
    else if (chance < 0.97) by.tell('user_disabled', 'success', { subject: person.id });
    else by.tell('privilege_permissions_changed', 'success', { subject: person.id, detail: { role: 'member' } });
    return by.told;
  }

  function housekeeping(time: number): MadeUp[] {
    const by = request(time, { person: null, ip: null, userAgent: null });
    by.tell('sys_cleanup', 'success', { detail: { what: 'sessions', count: 1 + Math.floor(random() * 90) } });
    return by.told;
  }

  function attack(time: number): MadeUp[] {
    const ip = pick(random, attackers);
    const by = request(time, { person: null, ip, userAgent: 'python-requests/2.32.5' });
    const known = random() < 0.3 ? anyone() : null;
    const chance = random();
    if (chance < 0.004) {
      by.tell('authn_password_spraying', 'failure', { detail: { accounts: 15 + Math.floor(random() * 400) } });
    } else if (chance < 0.02) {
      const block = uuidAt(random, time);
      const note = { id: block, scope: 'client', key: `seed:${ip}`, failures: 50, lastsMs: 60_000 };
      by.tell('excess_rate_limit_exceeded', 'failure', { detail: { scope: 'client', block }, block: note });
    } else {
      by.tell('authn_login_fail', 'failure', {
        subject: known?.id ?? null,
        identifier: known?.email ?? `guess-${Math.floor(random() * 1e6)}`,
      });
    }
    return by.told;
  }

  function ordinary(time: number): MadeUp[] {
    const chance = random();
    if (chance < 0.5) return logIn(time);
    if (chance < 0.93) return endSession(time);
    return chance < 0.985 ? rare(time) : housekeeping(time);
  }

  return {
    /** So many events of one hour, in order, so many of them the attack's. */
    hour(time: number, count: number, attacked: number): MadeUp[] {
      const made: MadeUp[] = [];
      const within = () => time + Math.floor(random() * HOUR);
      while (made.length < attacked && made.length < count) made.push(...attack(within()));
      while (made.length < count) made.push(...ordinary(within()));
      made.length = count;
      return made.sort((a, b) => a.event.occurredAt.getTime() - b.event.occurredAt.getTime());
    },
  };
}

interface Telling {
  readonly detail: Detail;
  readonly session: string;
  readonly actor: string | null;
  readonly subject: string | null;
  readonly identifier: string;
  readonly block: NonNullable<Notes['block']>;
}
