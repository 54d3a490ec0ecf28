// The search for users: by address, role, state and second factor.
import type Router from '@koa/router';
import type Koa from 'koa';
import { ANY_USER, type FoundUser, type UserFilter, type UserKey } from '../../../core/accounts/user-search.ts';
import { isUuid, queryText, withQuery } from '../../http/query.ts';
import { requireOperator } from '../../session/access.ts';
import type { Times } from '../../texts/zoned-times.ts';
import type { FilterChip, PersonRow } from '../../view/console-views.ts';
import { doneNotice, timesOf, type Web } from '../../view/page.ts';
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
  readonly part: Partial<UserFilter>;
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
  const key = await readKey(ctx, web);
  const [found, matching] = await Promise.all([
    filter === null ? NOBODY : userSearch.page(filter, key, PAGE_SIZE),
    filter === null ? NONE : userSearch.count(filter),
  ]);
  const [first, last] = [found.users.at(0), found.users.at(-1)];
  const times = timesOf(ctx);
  const page: Views['operator/users'] = {
    rows: found.users.map((person) => personRow(person, asked, times)),
    matching: countPeople(matching),
    asOf: times.clock(times.now),
    problem: filter === null ? 'There is no such filter. Choose from the lists.' : null,
    filters: { ...asked, active: chipsOf(asked) },
    choices: CHOICES,
    firstHref: key === null ? null : href(asked),
    previousHref: found.hasPrevious && first ? href(asked, { before: first.id }) : null,
    nextHref: found.hasNext && last ? href(asked, { after: last.id }) : null,
  };
  const frame = { title: 'People', current: 'people', wide: true, notice: doneNotice(ctx) } as const;
  await web.show(ctx, 'operator/users', page, frame);
}

const NONE = { users: 0, andMore: false } as const;
const NOBODY = { users: [], hasNext: false, hasPrevious: false } as const;

function readAsked(read: (name: string) => string): Asked {
  return { q: read('q'), role: read('role'), state: read('state'), factor: read('factor') };
}

/** Null where the address names a choice that there is not. */
function filterOf(asked: Asked): UserFilter | null {
  const chosen = NAMES.map((name) => choiceOf(name, asked[name]));
  if (chosen.includes(undefined)) return null;
  return Object.assign({}, ANY_USER, asked.q === '' ? {} : { text: asked.q }, ...chosen.map((one) => one?.part));
}

const NAMES = Object.keys(CHOICES) as (keyof typeof CHOICES)[];

function choiceOf(name: keyof typeof CHOICES, value: string): Choice | undefined {
  return CHOICES[name].find((choice) => choice.value === value);
}

/** Pages follow the order of addresses, but a person stands in the page's own by their id: proxies log that. */
async function readKey(ctx: Koa.Context, { context: { users } }: Web): Promise<UserKey> {
  const place = async (name: string) => {
    const asked = queryText(ctx, name);
    return isUuid(asked) ? (await users.find(asked))?.email.toLowerCase() : asked;
  };
  const [after, before] = [await place('after'), await place('before')];
  if (before) return { before };
  return after ? { after } : null;
}

function personRow(person: FoundUser, asked: Asked, times: Times): PersonRow {
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
    memberSince: times.clock(person.createdAt),
  };
}

function chipsOf(asked: Asked): FilterChip[] {
  const address =
    asked.q === '' ? [] : [{ label: `E-mail address: ${asked.q}`, withoutHref: href({ ...asked, q: '' }) }];
  const chosen = NAMES.filter((name) => asked[name] !== '').map((name) => ({
    label: choiceOf(name, asked[name])?.chip ?? asked[name],
    withoutHref: href({ ...asked, [name]: '' }),
  }));
  return [...address, ...chosen];
}

function countPeople(matching: { users: number; andMore: boolean } | null): string {
  if (matching === null) return 'many people';
  const { users, andMore } = matching;
  return `${andMore ? 'more than ' : ''}${users.toLocaleString('en')} ${users === 1 ? 'person' : 'people'}`;
}

function href(asked: Asked, key: Readonly<Record<string, string>> = {}): string {
  return withQuery(USERS, { ...asked, ...key });
}
