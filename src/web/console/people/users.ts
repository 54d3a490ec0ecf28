// The search for users: by address, role, state and second factor.
import type Router from '@koa/router';
import type Koa from 'koa';
import {
  ANY_USER,
  type FoundUser,
  type UserFilter,
  type UserKey,
  type UserOrder,
} from '../../../core/accounts/user-search.ts';
import { isUuid, queryText, withQuery } from '../../http/query.ts';
import { requireConsole } from '../../session/access.ts';
import type { Times } from '../../texts/zoned-times.ts';
import type { FilterChip, PersonRow } from '../../view/console-views.ts';
import { doneNotice, timesOf, type Web } from '../../view/page.ts';
import type { Views } from '../../view/views.ts';
import { viewsBar } from '../views/views-bar.ts';
import { USERS } from './find-user.ts';

const PAGE_SIZE = 50;

const CHOICES = {
  role: [
    { value: '', label: 'Any', chip: '', part: {} },
    { value: 'operator', label: 'Operator', chip: 'Operators', part: { role: 'operator' } },
    { value: 'auditor', label: 'Auditor', chip: 'Auditors', part: { role: 'auditor' } },
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
  login: [
    { value: '', label: 'Any', chip: '', part: {} },
    { value: 'ever', label: 'Ever', chip: 'Ever logged in', part: { loggedIn: true } },
    { value: 'never', label: 'Never', chip: 'Never logged in', part: { loggedIn: false } },
  ],
} as const satisfies Record<string, readonly Choice[]>;

const ORDERS = [
  { value: '', label: 'By e-mail address', order: 'address', says: 'by e-mail address' },
  { value: 'login', label: 'By last log-in', order: 'login', says: 'by last log-in, the newest first' },
  { value: 'created', label: 'Newest accounts', order: 'created', says: 'the newest accounts first' },
] as const;

interface Choice {
  readonly value: string;
  readonly label: string;
  readonly chip: string;
  readonly part: Partial<UserFilter>;
}

type Asked = Readonly<Record<'q' | 'sort' | keyof typeof CHOICES, string>>;

export function usersPage(router: Router, web: Web): void {
  router.get(USERS, requireConsole(web.context), (ctx) => showUsers(ctx, web));
}

async function showUsers(ctx: Koa.Context, web: Web): Promise<void> {
  const { userSearch } = web.context;
  const asked = readAsked((name) => queryText(ctx, name));
  const filter = filterOf(asked);
  if (filter === null) ctx.status = 422;
  const sort = ORDERS.find(({ value }) => value === asked.sort) ?? ORDERS[0];
  const key = await readKey(ctx, web, sort.order);
  const [found, matching, views] = await Promise.all([
    filter === null ? NOBODY : userSearch.page(filter, key, PAGE_SIZE, sort.order),
    filter === null ? NONE : userSearch.count(filter),
    viewsBar(ctx, web, 'people', filter === null ? {} : asked),
  ]);
  const [first, last] = [found.users.at(0), found.users.at(-1)];
  const times = timesOf(ctx);
  const isWhole = filter !== null && key === null && !found.hasNext; // counting may have been given up
  const page: Views['operator/users'] = {
    rows: found.users.map((person) => personRow(person, asked, times)),
    views,
    matching: countPeople(isWhole ? { users: found.users.length, andMore: false } : matching),
    asOf: times.clock(times.now),
    problem: filter === null ? NO_FILTER : null,
    filters: { ...asked, kept: keptOf(asked), active: chipsOf(asked) },
    choices: CHOICES,
    ways: waysOf(asked),
    order: sort.says,
    firstHref: key === null ? null : href(asked),
    previousHref: found.hasPrevious && first ? href(asked, { before: first.id }) : null,
    nextHref: found.hasNext && last ? href(asked, { after: last.id }) : null,
  };
  const frame = { title: 'People', current: 'people', wide: true, notice: doneNotice(ctx) } as const;
  await web.show(ctx, 'operator/users', page, frame);
}

/** The filter in the address, and its parts in words. */
export function describePeople(ctx: Koa.Context) {
  const asked = readAsked((name) => queryText(ctx, name));
  const sort = asked.sort === '' ? [] : ORDERS.filter(({ value }) => value === asked.sort).map(({ label }) => label);
  const labels = [...chipsOf(asked).map(({ label }) => label), ...sort];
  return { asked, labels, problem: filterOf(asked) === null ? NO_FILTER : null };
}

const NO_FILTER = 'There is no such filter. Choose from the lists.';
const NONE = { users: 0, andMore: false } as const;
const NOBODY = { users: [], hasNext: false, hasPrevious: false } as const;

function readAsked(read: (name: string) => string): Asked {
  return {
    ...{ q: read('q'), role: read('role'), state: read('state'), factor: read('factor') },
    ...{ login: read('login'), sort: read('sort') },
  };
}

/** Null where the address names a choice that there is not. */
function filterOf(asked: Asked): UserFilter | null {
  const chosen = NAMES.map((name) => choiceOf(name, asked[name]));
  if (!ORDERS.some(({ value }) => value === asked.sort)) return null;
  if (chosen.includes(undefined)) return null;
  return Object.assign({}, ANY_USER, asked.q === '' ? {} : { text: asked.q }, ...chosen.map((one) => one?.part));
}

const NAMES = Object.keys(CHOICES) as (keyof typeof CHOICES)[];

function choiceOf(name: keyof typeof CHOICES, value: string): Choice | undefined {
  return CHOICES[name].find((choice) => choice.value === value);
}

/** Pages follow the order of addresses, but a person stands in the page's own by their id: proxies log that. */
async function readKey(ctx: Koa.Context, { context: { users } }: Web, order: UserOrder): Promise<UserKey> {
  const place = async (name: string) => {
    const asked = queryText(ctx, name);
    if (order !== 'address') return isUuid(asked) ? asked : undefined;
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
    lastLogin: person.lastLoginAt && times.clock(person.lastLoginAt),
    neverHref: href({ ...asked, login: 'never' }),
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

/** Each order, and who never logged in, as a link that leaves the rest as it is. */
function waysOf(asked: Asked): Views['operator/users']['ways'] {
  const orders = ORDERS.map(({ value, label }) => {
    return { label, href: href({ ...asked, sort: value }), current: asked.sort === value };
  });
  const never = { ...asked, login: 'never' };
  return [...orders, { label: 'Never logged in', href: href(never), current: asked.login === 'never' }];
}

/** What has no field in the form. */
function keptOf(asked: Asked): Views['operator/users']['filters']['kept'] {
  const kept = (['login', 'sort'] as const).filter((name) => asked[name] !== '');
  return kept.map((name) => ({ name, value: asked[name] }));
}

function countPeople(matching: { users: number; andMore: boolean } | null): string {
  if (matching === null) return 'many people';
  const { users, andMore } = matching;
  return `${andMore ? 'more than ' : ''}${users.toLocaleString('en')} ${users === 1 ? 'person' : 'people'}`;
}

function href(asked: Asked, key: Readonly<Record<string, string>> = {}): string {
  return withQuery(USERS, { ...asked, ...key });
}
