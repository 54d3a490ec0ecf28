// The search for users: by address, role, state and second factor.
import type Router from '@koa/router';
import type Koa from 'koa';
import { EVERYBODY, type ListedPerson, type PeopleFilter, type PeopleKey } from '../../../core/accounts/user-search.ts';
import { queryText, withQuery } from '../../http/query.ts';
import { requireOperator } from '../../session/access.ts';
import { showTime } from '../../texts/times-and-devices.ts';
import type { FilterChip, PersonRow } from '../../view/console-views.ts';
import { doneNotice, type Web } from '../../view/page.ts';
import type { Views } from '../../view/views.ts';
import { USERS } from './find-user.ts';

const PAGE_SIZE = 50;

const CHOICES = {
  role: [
    { value: '', label: 'Any', chip: '', part: {} },
    { value: 'operator', label: 'Operator', chip: 'Operators', part: { role: 'operator' } },
    { value: 'member', label: 'Member', chip: 'Members', part: { role: 'member' } },
  ],
  state: [
    { value: '', label: 'Any', chip: '', part: {} },
    { value: 'active', label: 'Active', chip: 'Active', part: { disabled: false } },
    { value: 'disabled', label: 'Disabled', chip: 'Disabled', part: { disabled: true } },
  ],
  factor: [
    { value: '', label: 'Any', chip: '', part: {} },
    { value: 'yes', label: 'Set up', chip: 'With a second factor', part: { secondFactor: true } },
    { value: 'no', label: 'None', chip: 'Without a second factor', part: { secondFactor: false } },
  ],
} as const satisfies Record<string, readonly Choice[]>;

interface Choice {
  readonly value: string;
  readonly label: string;
  readonly chip: string;
  readonly part: Partial<PeopleFilter>;
}

type Asked = Readonly<Record<'q' | keyof typeof CHOICES, string>>;

export function usersPage(router: Router, web: Web): void {
  router.get(USERS, requireOperator(web.context), (ctx) => showUsers(ctx, web));
}

async function showUsers(ctx: Koa.Context, web: Web): Promise<void> {
  const { userSearch } = web.context;
  const asked = readAsked((name) => queryText(ctx, name));
  const filter = filterOf(asked);
  if (filter === null) ctx.status = 422;
  const key = readKey(queryText(ctx, 'after'), queryText(ctx, 'before'));
  const [found, matching] = await Promise.all([
    filter === null ? NOBODY : userSearch.page(filter, key, PAGE_SIZE),
    filter === null ? NONE : userSearch.count(filter),
  ]);
  const [first, last] = [found.people.at(0), found.people.at(-1)];
  const now = new Date();
  const page: Views['operator/users'] = {
    rows: found.people.map((person) => personRow(person, asked, now)),
    matching: countPeople(matching),
    asOf: showTime(now, now),
    problem: filter === null ? 'There is no such filter. Choose from the lists.' : null,
    filters: { ...asked, active: chipsOf(asked) },
    choices: CHOICES,
    firstHref: key === null ? null : href(asked),
    previousHref: found.hasPrevious && first ? href(asked, { before: first.email.toLowerCase() }) : null,
    nextHref: found.hasNext && last ? href(asked, { after: last.email.toLowerCase() }) : null,
  };
  const frame = { title: 'People', current: 'people', wide: true, notice: doneNotice(ctx) } as const;
  await web.show(ctx, 'operator/users', page, frame);
}

const NONE = { people: 0, andMore: false } as const;
const NOBODY = { people: [], hasNext: false, hasPrevious: false } as const;

function readAsked(read: (name: string) => string): Asked {
  return { q: read('q'), role: read('role'), state: read('state'), factor: read('factor') };
}

function filterOf(asked: Asked): PeopleFilter | null {
  const chosen = NAMES.map((name) => choiceOf(name, asked[name]));
  if (chosen.includes(undefined)) return null;
  return Object.assign({}, EVERYBODY, asked.q === '' ? {} : { text: asked.q }, ...chosen.map((one) => one?.part));
}

const NAMES = Object.keys(CHOICES) as (keyof typeof CHOICES)[];

function choiceOf(name: keyof typeof CHOICES, value: string): Choice | undefined {
  return CHOICES[name].find((choice) => choice.value === value);
}

function readKey(after: string, before: string): PeopleKey {
  if (before !== '') return { before };
  return after === '' ? null : { after };
}

function personRow(person: ListedPerson, asked: Asked, now: Date): PersonRow {
  const state = person.disabledAt === null ? 'active' : 'disabled';
  return {
    email: person.email,
    href: `${USERS}/${person.id}`,
    role: person.role,
    roleOnlyHref: href({ ...asked, role: person.role }),
    state,
    stateOnlyHref: href({ ...asked, state }),
    factor: person.secondFactor ? 'set up' : 'none',
    factorOnlyHref: href({ ...asked, factor: person.secondFactor ? 'yes' : 'no' }),
    memberSince: showTime(person.createdAt, now),
  };
}

function chipsOf(asked: Asked): FilterChip[] {
  const address = asked.q === '' ? [] : [{ label: `Address: ${asked.q}`, withoutHref: href({ ...asked, q: '' }) }];
  const chosen = NAMES.filter((name) => asked[name] !== '').map((name) => ({
    label: choiceOf(name, asked[name])?.chip ?? asked[name],
    withoutHref: href({ ...asked, [name]: '' }),
  }));
  return [...address, ...chosen];
}

function countPeople(matching: { people: number; andMore: boolean } | null): string {
  if (matching === null) return 'many people';
  const { people, andMore } = matching;
  return `${andMore ? 'more than ' : ''}${people.toLocaleString('en')} ${people === 1 ? 'person' : 'people'}`;
}

function href(asked: Asked, key: Readonly<Record<string, string>> = {}): string {
  return withQuery(USERS, { ...asked, ...key });
}
