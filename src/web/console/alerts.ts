// What is told without looking: each rule with whom it goes to, its newest, and what could not be delivered; changed and tested
// by operators, each time with a reason.
import type Router from '@koa/router';
import type Koa from 'koa';
import type { AlertChannel, AlertList, ListedAlert } from '../../core/alerting/alert-list.ts';
import { isAlwaysTold, type RuleChange, type RuleSettings } from '../../core/alerting/settings.ts';
import { alertsInEnglish } from '../../core/mail/texts/alerts-en.ts';
import { type Fields, readBody } from '../http/form.ts';
import { HttpError } from '../http/http-error.ts';
import { seeOther } from '../http/redirect.ts';
import { requireConsole, requireOperator, requireRecentLogin } from '../session/access.ts';
import { typedBefore } from '../session/kept-form.ts';
import { actorOf } from '../session/member.ts';
import type { Times } from '../texts/zoned-times.ts';
import type { AlertRow, ShownChannel, ShownNewest, TypedAlert } from '../view/alert-views.ts';
import { doneNotice, timesOf, type Web } from '../view/page.ts';
import type { FieldErrors } from '../view/view-parts.ts';
import { counted } from './applications/find.ts';
import { readSeen, registryAct } from './applications/registry-act.ts';
import { auditHref } from './log/filter.ts';
import { readReason } from './reason.ts';

const PATH = '/operator/alerts';
const CHANGE = `${PATH}/:rule/change`;
const UNCHANGED = 'Somebody else was faster. Nothing was changed: look again at how it is by now.';

const hrefOf = ({ name }: ListedAlert) => `${PATH}/${name}`;
const titleOf = ({ name }: ListedAlert) => alertsInEnglish.rules[name].title;

export function alertsPages(router: Router, web: Web): void {
  const operator = requireOperator(web.context);
  router.get(PATH, requireConsole(web.context), (ctx) => showAll(ctx, web));
  router.get(`${PATH}/:rule`, requireConsole(web.context), (ctx) => showOne(ctx, web));
  router.get(CHANGE, operator, (ctx) => open(ctx, web));
  router.post(CHANGE, operator, requireRecentLogin(web.context, CHANGE), (ctx) => save(ctx, web));
  registryAct(router, web, {
    path: `${PATH}/:rule/test`,
    current: 'alerts',
    find: findRule,
    shown: (rule) => ({
      title: 'Send a test',
      says: 'It goes the way of this alert, to whoever gets it, and says that nothing has happened.',
      facts: [
        { label: 'Alert', value: titleOf(rule) },
        { label: 'Goes to', value: rule.goesTo },
      ],
      button: 'Send a test',
      danger: false,
      back: hrefOf(rule),
    }),
    run: async ({ context }, rule, { by }) => {
      await context.alertSettings.test(rule.name, by);
      return { to: `${hrefOf(rule)}?done=alert-tested` };
    },
  });
}

interface FoundAlert extends ListedAlert {
  readonly goesTo: string;
}

/** @throws HttpError 404 */
async function findRule(ctx: Koa.Context, { context }: Web): Promise<FoundAlert> {
  const name: unknown = ctx['params'].rule;
  const list = await context.readAlerts();
  const found = list.rules.find((rule) => rule.name === name);
  if (!found) throw new HttpError(404, 'no_alert');
  return { ...found, goesTo: receiversOf(found, list) };
}

async function showAll(ctx: Koa.Context, web: Web): Promise<void> {
  const times = timesOf(ctx);
  const list = await web.context.readAlerts();
  const page = {
    rows: list.rules.map((rule) => rowOf(rule, list, times)),
    channels: channelsOf(list, times),
    asOf: times.clock(times.now),
  };
  await web.show(ctx, 'operator/alerts', page, { title: 'Alerts', current: 'alerts', wide: true });
}

function rowOf(rule: ListedAlert, list: AlertList, times: Times): AlertRow {
  const { newest } = rule;
  return {
    title: titleOf(rule),
    href: hrefOf(rule),
    ...stateOf(rule),
    to: receiversOf(rule, list),
    newest: newest && { at: times.clock(newest.at), count: newest.count },
  };
}

function stateOf({ enabled, troubleSince }: ListedAlert): Pick<AlertRow, 'state' | 'wrong'> {
  if (!enabled) return { state: 'off', wrong: true };
  return troubleSince ? { state: 'goes on', wrong: true } : { state: 'on', wrong: false };
}

/** "operators, 2 addresses, webhook": whom it reaches as things are, without a way that leads nowhere. */
function receiversOf({ enabled, operators, addresses, webhook }: RuleSettings, ways: AlertList): string {
  const others = addresses.length === 0 ? '' : addresses.length === 1 ? '1 address' : `${addresses.length} addresses`;
  const byMail = ways.mail.possible ? [operators ? 'operators' : '', others] : [];
  const to = [...byMail, webhook && ways.webhook.target !== null ? 'webhook' : ''].filter((one) => one !== '');
  return enabled && to.length > 0 ? to.join(', ') : 'nobody';
}

function channelsOf({ mail, webhook, operators }: AlertList, times: Times): ShownChannel[] {
  const byMail = mail.possible ? `to ${counted(operators, 'operator')}` : 'no mail can be sent: set SMTP_URL';
  return [
    { name: 'Mail', target: byMail, ...leftOf(mail, times) },
    { name: 'Webhook', target: webhook.target ?? 'none: set ALERT_WEBHOOK_URL', ...leftOf(webhook, times) },
  ];
}

function leftOf({ waiting, failed, error }: AlertChannel, times: Times): Pick<ShownChannel, 'left' | 'error'> {
  const left = [
    waiting === 0 ? '' : `${waiting.toLocaleString('en')} ${waiting === 1 ? 'waits' : 'wait'}`,
    failed === 0 ? '' : `${failed.toLocaleString('en')} given up this week`,
  ].filter((one) => one !== '');
  return {
    left: left.length > 0 ? left.join(', ') : null,
    error: error && { words: error.words, at: times.prose(error.at) },
  };
}

async function showOne(ctx: Koa.Context, web: Web): Promise<void> {
  const rule = await findRule(ctx, web);
  const times = timesOf(ctx);
  const { name, addresses, newest, troubleSince } = rule;
  const { title, todo } = alertsInEnglish.rules[name];
  const page = {
    title,
    todo,
    facts: [
      { label: 'State', value: rule.enabled ? 'On' : 'Off' },
      { label: 'Goes to', value: rule.goesTo },
      ...(addresses.length === 0 ? [] : [{ label: 'Addresses', value: addresses.join(' ') }]),
    ],
    newest: newest && shownNewest(name, newest, times),
    goesOn: troubleSince && times.prose(troubleSince),
    acts: [
      { label: 'Change', href: `${hrefOf(rule)}/change`, danger: false },
      { label: 'Send a test', href: `${hrefOf(rule)}/test`, danger: false },
    ],
    eventsHref: auditHref({ type: 'sys_alert_told', text: name }),
  };
  await web.show(ctx, 'operator/alert', page, { title, current: 'alerts', wide: true, notice: doneNotice(ctx) });
}

function shownNewest(
  name: ListedAlert['name'],
  { at, count, seq, facts }: NonNullable<ListedAlert['newest']>,
  times: Times,
): ShownNewest {
  return {
    at: times.prose(at),
    says: alertsInEnglish.rules[name].says(facts),
    times: count === 1 ? '' : `${counted(count, 'time')} within an hour`,
    event: seq === null ? null : { number: seq.toLocaleString('en'), href: `/operator/audit/${seq}` },
    beside: besideOf(facts['ip']),
  };
}

function besideOf(address: unknown): ShownNewest['beside'] {
  if (typeof address !== 'string') return [];
  return [
    { label: 'Log-ins from there', href: auditHref({ address, type: 'authn_login_success' }) },
    { label: 'Attempts from there', href: `/operator/attempts?${new URLSearchParams({ address, time: 'all' })}` },
  ];
}

/** As it is, or as it was typed before the operator had to confirm who they are. */
async function open(ctx: Koa.Context, web: Web): Promise<void> {
  const rule = await findRule(ctx, web);
  const fields = typedBefore(ctx, web.context);
  const kept = Object.keys(fields).length > 0;
  const typed = kept ? readTyped(fields) : { ...rule, addresses: rule.addresses.join(' ') };
  await show(ctx, web, { rule, typed, reason: fields['reason'] ?? '' });
}

async function save(ctx: Koa.Context, web: Web): Promise<void> {
  const rule = await findRule(ctx, web);
  const fields = await readBody(ctx);
  const typed = readTyped(fields);
  const { reason, problem } = readReason(fields);
  const seen = readSeen(fields, rule.version);
  const again = { rule, typed, reason, seen };
  if (problem !== null) return refuse(ctx, web, 422, { ...again, errors: { reason: problem } });
  const addresses = typed.addresses.split(/[\s,;]+/).filter((one) => one !== '');
  const wanted = { ...typed, addresses, ...(isAlwaysTold(rule.name) ? { enabled: true, operators: true } : {}) };
  const result = await web.context.alertSettings.change(rule.name, wanted, { ...actorOf(ctx), reason, seen });
  if (result.ok) return seeOther(ctx, `${hrefOf(rule)}?done=alert-changed`);
  const errors = fieldErrors(result);
  if (Object.keys(errors).length > 0) return refuse(ctx, web, 422, { ...again, errors });
  if (result.reason === 'unchanged') return refuse(ctx, web, 422, { ...again, problem: 'This is how it is already.' });
  const now = await findRule(ctx, web);
  return refuse(ctx, web, 409, { ...again, rule: now, seen: now.version, problem: UNCHANGED });
}

function fieldErrors(result: RuleChange): FieldErrors {
  if (result.ok) return {};
  if (result.reason === 'no_address') return { addresses: `This is not an e-mail address: ${result.address}` };
  return result.reason === 'too_many' ? { addresses: 'Ten addresses at most.' } : {};
}

function readTyped(fields: Fields): TypedAlert {
  const checked = (name: string) => fields[name] === 'on';
  return {
    enabled: checked('enabled'),
    operators: checked('operators'),
    webhook: checked('webhook'),
    addresses: (fields['addresses'] ?? '').trim(),
  };
}

interface Shown {
  readonly rule: ListedAlert;
  readonly typed: TypedAlert;
  readonly reason: string;
  readonly seen?: number;
  readonly problem?: string;
  readonly errors?: FieldErrors;
}

function refuse(ctx: Koa.Context, web: Web, status: number, shown: Shown): Promise<void> {
  ctx.status = status;
  return show(ctx, web, shown);
}

function show(ctx: Koa.Context, web: Web, { rule, typed, reason, seen, problem, errors = {} }: Shown): Promise<void> {
  const title = `Change: ${titleOf(rule)}`;
  const page = {
    title,
    action: ctx.path,
    back: hrefOf(rule),
    seen: seen ?? rule.version,
    always: isAlwaysTold(rule.name),
    typed,
    reason,
    problem: problem ?? null,
    errors,
  };
  return web.show(ctx, 'operator/alert-form', page, { title, current: 'alerts', wide: true });
}
