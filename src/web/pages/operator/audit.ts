// The audit log as operators read it: newest first, by key, filtered by type and person.
import type Router from '@koa/router';
import type Koa from 'koa';
import { COUNT_LIMIT, type PageKey } from '../../../core/audit.ts';
import type { SealedEvent } from '../../../core/audit-chain.ts';
import { AUDIT_EVENTS } from '../../../core/audit-events.ts';
import { type AuditFilter, EVERY_EVENT } from '../../../core/audit-query.ts';
import { requireOperator } from '../../access.ts';
import type { Web } from '../../page.ts';
import { isUuid, queryText } from '../../query.ts';
import type { AuditRow, Views } from '../../views.ts';
import { describeDevice, showTime } from '../../words.ts';

const PATH = '/operator/audit';
const PAGE_SIZE = 50;
const TYPES = Object.entries(AUDIT_EVENTS).map(([group, events]) => ({ group, names: Object.keys(events) }));
const KNOWN_TYPES: ReadonlySet<string> = new Set(TYPES.flatMap(({ names }) => names));

/** The filters as they stand in the address. */
interface Asked {
  readonly type: string;
  readonly person: string;
}

type Page = Views['operator/audit'];

export function auditPage(router: Router, web: Web): void {
  const { audit, users } = web.context;

  router.get(PATH, requireOperator(web.context), async (ctx) => {
    const asked: Asked = { type: queryText(ctx, 'type'), person: queryText(ctx, 'person') };
    const person = await findPerson(asked.person);
    const problem = problemOf(asked, person);
    const filter: AuditFilter = { ...EVERY_EVENT, types: asked.type ? [asked.type] : null, person };
    const key = readKey(ctx);
    if (problem) ctx.status = 422;
    const result = problem
      ? { events: [], hasOlder: false, hasNewer: false }
      : await audit.page(filter, key, PAGE_SIZE);
    const total = problem ? 0 : await audit.count(filter);
    const emails = await users.emails(
      result.events.flatMap(({ actor, subject }) => [actor, subject].filter((id) => id !== null)),
    );
    const now = new Date();
    const [first, last] = [result.events.at(0), result.events.at(-1)];
    const page: Page = {
      rows: result.events.map((event) => rowOf(event, emails, asked, now)),
      asOf: showTime(now, now),
      total: countWords(total, filter),
      filters: { ...asked, active: activeFilters(asked) },
      types: TYPES,
      problem,
      newerHref: result.hasNewer && first ? href(asked, { after: String(first.seq) }) : null,
      olderHref: result.hasOlder && last ? href(asked, { before: String(last.seq) }) : null,
      newestHref: key === null ? null : href(asked),
    };
    await web.show(ctx, 'operator/audit', page, { title: 'Audit log', current: 'audit', wide: true });
  });

  async function findPerson(typed: string): Promise<string | null> {
    if (typed === '') return null;
    if (isUuid(typed)) return typed;
    return (await users.findByEmail(typed))?.id ?? null;
  }
}

function countWords(total: number, filter: AuditFilter): string {
  const exact = filter.types === null && filter.person === null;
  return !exact && total > COUNT_LIMIT ? `more than ${COUNT_LIMIT.toLocaleString('en')}` : total.toLocaleString('en');
}

function problemOf({ type, person: typed }: Asked, person: string | null): string | null {
  if (type !== '' && !KNOWN_TYPES.has(type)) return 'There is no event of this type. Choose one from the list.';
  return typed !== '' && person === null ? 'There is no account with this address. Check the spelling.' : null;
}

function readKey(ctx: Koa.Context): PageKey {
  const before = Number(queryText(ctx, 'before') || Number.NaN);
  const after = Number(queryText(ctx, 'after') || Number.NaN);
  if (Number.isSafeInteger(before)) return { before };
  return Number.isSafeInteger(after) ? { after } : null;
}

function rowOf(event: SealedEvent, emails: ReadonlyMap<string, string>, asked: Asked, now: Date): AuditRow {
  const person = (id: string | null) =>
    id === null
      ? null
      : { id, email: emails.get(id) ?? id, onlyHref: href({ ...asked, person: emails.get(id) ?? id }) };
  return {
    seq: String(event.seq),
    occurredAt: showTime(event.occurredAt, now),
    type: event.type,
    outcome: event.outcome === 'success' ? 'success' : 'failure',
    actor: person(event.actor),
    subject: event.subject === event.actor ? null : person(event.subject),
    address: event.ip,
    device: event.userAgent === null ? null : describeDevice(event.userAgent),
    detail: Object.entries(event.detail)
      .map(([name, value]) => `${name}: ${(value as unknown) instanceof Object ? JSON.stringify(value) : value}`)
      .join(', '),
    typeOnlyHref: href({ ...asked, type: event.type }),
  };
}

function activeFilters(asked: Asked): Page['filters']['active'] {
  const chips = [
    { label: `Type: ${asked.type}`, set: asked.type !== '', withoutHref: href({ ...asked, type: '' }) },
    { label: `Person: ${asked.person}`, set: asked.person !== '', withoutHref: href({ ...asked, person: '' }) },
  ];
  return chips.filter((chip) => chip.set).map(({ label, withoutHref }) => ({ label, withoutHref }));
}

function href(asked: Asked, key: Readonly<Record<string, string>> = {}): string {
  const set = Object.entries({ ...asked, ...key }).filter(([, value]) => value !== '');
  const query = new URLSearchParams(set).toString();
  return query === '' ? PATH : `${PATH}?${query}`;
}
