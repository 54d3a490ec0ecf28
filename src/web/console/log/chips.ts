// The active parts of the log's filter as chips, each with the link that takes it away.
import type Koa from 'koa';
import type { Times } from '../../texts/zoned-times.ts';
import type { FilterChip } from '../../view/console-views.ts';
import { timesOf, type Web } from '../../view/page.ts';
import { filterTitle } from '../words/event-titles.ts';
import { namesIn, without } from './asked-types.ts';
import { auditHref, FILTER_NAMES, type FilterName, LABELS, type ReadFilter, readFilter } from './filter.ts';
import { rangeLabel } from './ranges.ts';

/** More types than this are one chip. */
const MOST_TYPES = 6;

export function chipsOf(read: ReadFilter, emails: ReadonlyMap<string, string>, times: Times): FilterChip[] {
  const { asked } = read;
  return FILTER_NAMES.filter((name) => asked[name] !== '').flatMap((name) => {
    if (name === 'type' || name === 'not') return typeChips(name, read);
    const label = `${LABELS[name]}: ${textOf(name, read, emails, times)}`;
    return [{ label, withoutHref: auditHref({ ...asked, [name]: '' }) }];
  });
}

/** The filter in the address, and its parts in words. */
export async function describeEvents(ctx: Koa.Context, { context: { users } }: Web) {
  const read = await readFilter(ctx, users);
  const people = [read.filter.person, read.filter.actor].filter((id) => id !== null);
  const labels = chipsOf(read, await users.emails(people), timesOf(ctx)).map(({ label }) => label);
  return { asked: read.asked, labels, problem: Object.values(read.problems).join(' ') || null };
}

function typeChips(name: 'type' | 'not', { asked }: ReadFilter): FilterChip[] {
  const names = namesIn(asked[name]);
  const label = LABELS[name];
  if (names.length > MOST_TYPES) {
    return [{ label: `${label}: ${names.length} types`, withoutHref: auditHref({ ...asked, [name]: '' }) }];
  }
  return names.map((one, index) => ({
    label: `${index > 0 && name === 'type' ? 'or' : `${label}:`} ${filterTitle(one)}`,
    withoutHref: auditHref({ ...asked, [name]: without(asked[name], one) }),
  }));
}

function textOf(
  name: FilterName,
  { asked, filter }: ReadFilter,
  emails: ReadonlyMap<string, string>,
  times: Times,
): string {
  if (name === 'unusual') return 'for the person';
  if (name === 'time') return rangeText(asked.time, filter, times);
  const moment = name === 'from' || name === 'to' ? filter[name] : null;
  return moment ? times.exact(moment) : (emails.get(asked[name]) ?? asked[name]);
}

/** "last night, 28 Nov 2026, 22:00:00 to 29 Nov 2026, 06:00:00" */
function rangeText(name: string, { from, to }: ReadFilter['filter'], times: Times): string {
  const label = rangeLabel(name).toLowerCase();
  return from && to ? `${label}, ${times.exact(from)} to ${times.exact(to)}` : label;
}
