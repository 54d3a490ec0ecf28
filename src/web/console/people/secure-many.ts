// Securing all accounts that a part of the log is about: first how many and who, then a reason and their number typed, then how
// far the worker has come.
import type Router from '@koa/router';
import type Koa from 'koa';
import type { Which } from '../../../core/audit/reading/accounts-of.ts';
import type { FoundAccounts, OrderProgress } from '../../../core/securing/secure-many.ts';
import { readBody } from '../../http/form.ts';
import { HttpError } from '../../http/http-error.ts';
import { isUuid, queryText } from '../../http/query.ts';
import { seeOther } from '../../http/redirect.ts';
import { requireOperator, requireRecentLogin } from '../../session/access.ts';
import { typedBefore } from '../../session/kept-form.ts';
import { actorOf, memberOf } from '../../session/member.ts';
import { timesOf, type Web } from '../../view/page.ts';
import type { FieldErrors } from '../../view/view-parts.ts';
import { chipsOf } from '../log/chips.ts';
import { AUDIT_PATH, auditHref, type ReadFilter, readFilterAlone } from '../log/filter.ts';
import { readReason } from '../reason.ts';
import { USERS } from './find-user.ts';

const SECURE_PATH = `${AUDIT_PATH}/secure`;
const ORDERS = '/operator/securing';
const SHOWN = 10;
/** As many as a page lists by name. */
const MOST_OPERATORS = 20;

const WHICH = { entered: 'Accounts that were got into', named: 'All accounts that they are about' } as const;

const TOO_MANY = {
  too_many_events: 'More than 100,000 events match. Narrow the time, or choose an IP address.',
  too_many_accounts: 'More than 5,000 accounts match, which is more than one order takes. Narrow the filters.',
  too_slow: 'This took too long to find. A time or an IP address makes it quick.',
} as const satisfies Record<Exclude<FoundAccounts, { ok: true }>['reason'], string>;

/** Before the page of one event, whose number stands in the same place. */
export function secureManyPages(router: Router, web: Web): void {
  const operator = requireOperator(web.context);
  router.get(SECURE_PATH, operator, (ctx) => open(ctx, web));
  router.post(SECURE_PATH, operator, requireRecentLogin(web.context, SECURE_PATH), (ctx) => order(ctx, web));
  router.get(`${ORDERS}/:id`, operator, (ctx) => showOrder(ctx, web));
}

interface Typed {
  readonly reason: string;
  readonly number: string;
}

interface Asked {
  readonly read: ReadFilter;
  readonly which: Which;
  readonly found: FoundAccounts | null;
  /** Why nothing can be done at all. */
  readonly problem: string | null;
}

async function look(ctx: Koa.Context, { context }: Web): Promise<Asked> {
  const read = await readFilterAlone(ctx, context.users);
  const which = queryText(ctx, 'which') === 'named' ? 'named' : 'entered';
  const wrong = Object.values(read.problems).join(' ');
  if (wrong !== '') return { read, which, found: null, problem: wrong };
  if (Object.values(read.filter).every((part) => part === null))
    return { read, which, found: null, problem: 'Choose events first: with no filter, these would be all accounts.' };
  const found = await context.secureMany.find(read.filter, which, memberOf(ctx).userId);
  return { read, which, found, problem: found.ok ? null : TOO_MANY[found.reason] };
}

async function open(ctx: Koa.Context, web: Web): Promise<void> {
  const asked = await look(ctx, web);
  if (asked.problem !== null) ctx.status = 422;
  const { reason = '', number = '' } = typedBefore(ctx, web.context);
  await show(ctx, web, asked, { reason, number });
}

async function order(ctx: Koa.Context, web: Web): Promise<void> {
  const asked = await look(ctx, web);
  const fields = await readBody(ctx);
  const { reason, problem } = readReason(fields);
  const typed = { reason, number: (fields['number'] ?? '').trim() };
  if (!asked.found?.ok || asked.found.accounts.length === 0) {
    ctx.status = asked.problem === null ? 409 : 422;
    return show(ctx, web, asked, typed);
  }
  const { accounts } = asked.found;
  const errors: Record<string, string> = {};
  if (problem) errors['reason'] = problem;
  if (typed.number !== String(accounts.length))
    errors['number'] = `They are ${accounts.length}: type that, to be sure.`;
  if (Object.keys(errors).length > 0) {
    ctx.status = 422;
    return show(ctx, web, asked, typed, errors);
  }
  const by = { ...actorOf(ctx), reason };
  const id = await web.context.secureMany.ask({ accounts, filter: asked.read.filter, by });
  seeOther(ctx, `${ORDERS}/${id}`);
}

async function show(
  ctx: Koa.Context,
  web: Web,
  { read, which, found, problem }: Asked,
  typed: Typed,
  errors: FieldErrors = {},
): Promise<void> {
  const accounts = found?.ok ? found.accounts : [];
  const named = [read.filter.person, read.filter.actor].filter((id) => id !== null);
  const emails = await web.context.users.emails(named);
  const here = (one: Which) => auditHref(read.asked, { which: one }, SECURE_PATH);
  const linked = accounts.map(({ id, email, operator }) => ({ label: email, href: `${USERS}/${id}`, operator }));
  const page = {
    filters: chipsOf(read, emails, timesOf(ctx)).map(({ label }) => label),
    which: (['entered', 'named'] as const).map((one) => ({
      label: WHICH[one],
      href: here(one),
      current: one === which,
    })),
    count: found?.ok ? countOf(accounts.length) : 'No accounts',
    number: accounts.length,
    shown: linked.slice(0, SHOWN).map(({ label, href }) => ({ label, href })),
    more: Math.max(0, accounts.length - SHOWN),
    operators: linked
      .filter(({ operator }) => operator)
      .slice(0, MOST_OPERATORS)
      .map(({ label, href }) => ({ label, href })),
    own: found?.ok === true && found.own,
    form: accounts.length > 0 ? { action: here(which), reason: typed.reason, typed: typed.number } : null,
    back: auditHref(read.asked),
    problem,
    errors,
  };
  await web.noteRead(
    ctx,
    accounts.slice(0, SHOWN).map(({ id }) => id),
    'account',
  );
  const title = 'Secure the accounts of these events';
  await web.show(ctx, 'operator/secure-many', page, { title, current: 'audit', wide: true });
}

function countOf(accounts: number): string {
  return `${accounts.toLocaleString('en')} ${accounts === 1 ? 'account' : 'accounts'}`;
}

async function showOrder(ctx: Koa.Context, web: Web): Promise<void> {
  const id: unknown = ctx['params'].id;
  const found = isUuid(id) ? await web.context.secureMany.progress(id) : null;
  if (!isUuid(id) || !found) throw new HttpError(404, 'no_order');
  const times = timesOf(ctx);
  const email = found.actor && (await web.context.users.emails([found.actor])).get(found.actor);
  const page = {
    reason: found.reason,
    by: found.actor === null ? null : { label: email ?? found.actor, href: `${USERS}/${found.actor}` },
    askedAt: times.prose(found.askedAt),
    done: found.secured + found.gone + found.failed,
    accounts: found.accounts,
    left: leftOf(found),
    doneAt: found.doneAt && times.prose(found.doneAt),
    asOf: times.clock(times.now),
    eventsHref: auditHref({ type: 'user_secured', text: id }),
  };
  await web.show(ctx, 'operator/securing', page, { title: 'Securing accounts', current: 'audit', wide: true });
}

function leftOf({ gone, failed }: OrderProgress): string[] {
  return [
    ...(gone === 0 ? [] : [`${countOf(gone)} deleted before its turn`]),
    ...(failed === 0
      ? []
      : [`${countOf(failed)} could not be secured and stayed as before: the worker’s output says why`]),
  ];
}
