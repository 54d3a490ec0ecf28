// Events that never happened, to try out and measure the log: months of ordinary days with a peak
// on Monday mornings, quiet nights and weekends, an attack, journeys. In order of time; the same
// for the same seed. Each says in its detail that it is made up.
import { addressOfFour, makeUpPeople, type Person, pick, type Random, uuidAt } from './made-up-people.ts';
import { createRequests, type MadeUp, type MakeRequest, NOBODY, type Requester } from './made-up-requests.ts';

export interface MakingUp {
  readonly random: Random;
  readonly events: number;
  readonly people: number;
  readonly from: Date;
  readonly to: Date;
}

const HOUR = 3_600_000;
const WEEK = 168 * HOUR;
/** Its share of the events, how long it lasts, and after what share of the span it begins. */
const ATTACK = { share: 0.08, hours: 3, after: 0.62, addresses: 40 };
/** How busy each hour of a day is, from midnight on. */
const DAY = [1, 1, 1, 1, 1, 2, 6, 18, 40, 34, 26, 22, 18, 22, 24, 22, 18, 14, 10, 9, 8, 6, 4, 2];
const WEEKEND = 0.18;
const MONDAY_MORNING = 2.5;
/** Of the log-ins on a journey: the first alone is unusual. */
const FIRST_ABROAD = 0.1;

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

interface World {
  readonly random: Random;
  readonly request: MakeRequest;
  anyone(): Person;
  /** Where a person acts from, and with what. */
  from(person: Person, time: number): Requester;
}

function createStory(random: Random, people: readonly Person[], { start, span }: { start: number; span: number }) {
  const world: World = {
    random,
    request: createRequests({ random, prefix: `seed${(start / HOUR).toString(36)}` }),
    // Some people come every day and most come rarely.
    anyone: () => people[Math.floor(random() ** 2 * people.length)] as Person,
    from(person, time) {
      const gone = person.journey ? time - start - person.journey.from * span : -1;
      const ip = person.journey && gone >= 0 && gone < WEEK ? person.journey.ip : person.ip;
      return { person, ip, userAgent: pick(random, person.browsers) };
    },
  };
  const attack = createAttack(world);
  const { logIn, endSession } = createVisits(world);
  const rare = createRareActs(world, people);

  function ordinary(time: number): MadeUp[] {
    const chance = random();
    if (chance < 0.5) return logIn(time);
    if (chance < 0.93) return endSession(time);
    return chance < 0.985 ? rare(time) : cleanup(world, time);
  }

  return {
    /** `count` events of one hour, in order; `attacked` of them are the attack's. */
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

/** Log-ins, and the ends of the sessions that they began. */
function createVisits({ random, request, anyone, from }: World) {
  const sessions: Session[] = [];

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
    const isAway = who.ip !== person.ip;
    const isNew = isAway || random() < 0.03;
    const unusual =
      isNew && (!isAway || random() < FIRST_ABROAD) ? { unusual: isAway ? 'country network' : 'browser' } : {};
    done.tell('authn_login_success', 'success', { session, identifier: person.email, detail: unusual });
    done.tell('session_created', 'success', { session, detail: { remember: random() < 0.4 } });
    if (isNew) done.tell('authn_new_device', 'success', { session, detail: { new: isAway ? 'network' : 'browser' } });
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
    const by = request(time, expired ? NOBODY : from(ending.person, time));
    const about = { session: ending.id, subject: ending.person.id };
    if (expired) by.tell('session_expired', 'success', { ...about, actor: null, detail: { reason: 'expired' } });
    else by.tell('session_ended', 'success', { ...about, detail: { reason: 'logged_out' } });
    return by.told;
  }

  return { logIn, endSession };
}

/** What people and operators do now and then. */
function createRareActs({ random, request, anyone, from }: World, people: readonly Person[]) {
  const operators = people.slice(0, Math.max(1, Math.floor(people.length / 500)));
  let registered = 0;
  return (time: number): MadeUp[] => {
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
  };
}

function cleanup({ random, request }: World, time: number): MadeUp[] {
  const by = request(time, NOBODY);
  by.tell('sys_cleanup', 'success', { detail: { what: 'sessions', count: 1 + Math.floor(random() * 90) } });
  return by.told;
}

/** Guesses from a few dozen addresses, some at people who exist. */
function createAttack({ random, request, anyone }: World) {
  const attackers = Array.from({ length: ATTACK.addresses }, () => addressOfFour(random));
  return (time: number): MadeUp[] => {
    const ip = pick(random, attackers);
    const by = request(time, { person: null, ip, userAgent: 'python-requests/2.32.5' });
    const known = random() < 0.3 ? anyone() : null;
    const chance = random();
    if (chance < 0.004) {
      by.tell('authn_password_spraying', 'failure', { detail: { accounts: 15 + Math.floor(random() * 400) } });
    } else if (chance < 0.02) {
      const id = uuidAt(random, time);
      const block = { id, scope: 'client', key: `seed:${ip}`, failures: 50, lastsMs: 60_000 };
      by.tell('excess_rate_limit_exceeded', 'failure', { detail: { scope: 'client', block: id }, block });
    } else {
      by.tell('authn_login_fail', 'failure', {
        subject: known?.id ?? null,
        identifier: known?.email ?? `guess-${Math.floor(random() * 1e6)}`,
      });
    }
    return by.told;
  };
}
