// Blocks of the throttle, active and past. An active one can be lifted, with a reason.
import type Router from '@koa/router';
import type Koa from 'koa';
import { widerNetworks } from '../../core/platform/networks.ts';
import type { ListedBlock } from '../../core/throttle/blocks.ts';
import { readBody } from '../http/form.ts';
import { HttpError } from '../http/http-error.ts';
import { isUuid } from '../http/query.ts';
import { seeOther } from '../http/redirect.ts';
import { requireConsole, requireOperator, requireRecentLogin } from '../session/access.ts';
import { typedBefore } from '../session/kept-form.ts';
import { memberOf } from '../session/member.ts';
import type { Times } from '../texts/zoned-times.ts';
import type { BlockRow } from '../view/console-views.ts';
import { doneNotice, timesOf, type Web } from '../view/page.ts';

const PATH = '/operator/blocks';
const LIMIT = 200;
const MAX_REASON = 300;

const SCOPES: Readonly<Record<string, string>> = {
  account_client: 'One account from one client',
  client: 'One client, every account',
  account: 'One account, every unknown browser',
  device: 'One known browser on its account',
  register: 'New accounts from one client',
  password_change: 'Current password of one account',
  mailbox: 'Mail to one address',
  mail_client: 'Mail asked for by one client',
  token: 'One-time links tried by one client',
  second_factor: 'Codes of one account',
  login_success: 'Successful log-ins of one account or known browser',
  proof_success: 'Right passwords and codes of one account',
  session_acts: 'Changes by one session',
  account_acts: 'Changes by all sessions of one account',
  api: 'Requests of one API token',
  looks: 'Pages that one auditor looks at',
  forbidden: 'Pages that one account may not see',
  forbidden_client: 'Forged requests of one client',
};

const WIDE = /^(.+)_(\d+)$/;

export function blocksPages(router: Router, web: Web): void {
  const operator = requireOperator(web.context);
  router.get(PATH, requireConsole(web.context), (ctx) => show(ctx, web, null));
  router.post(`${PATH}/:id/lift`, operator, requireRecentLogin(web.context, PATH), (ctx) => lift(ctx, web));
}

async function lift(ctx: Koa.Context, web: Web): Promise<void> {
  const id: unknown = ctx['params'].id;
  if (!isUuid(id)) throw new HttpError(404, 'no_block');
  const reason = ((await readBody(ctx))['reason'] ?? '').trim().slice(0, MAX_REASON);
  if (reason === '') {
    ctx.status = 422;
    return show(ctx, web, 'Say why the block is lifted: the reason is recorded.');
  }
  const actor = memberOf(ctx).userId;
  if (!(await web.context.blocks.lift(id, { actor, reason, origin: ctx.state.origin }))) {
    ctx.status = 404;
    return show(ctx, web, 'That block has ended already. Nothing was changed.');
  }
  seeOther(ctx, `${PATH}?done=block-lifted`);
}

async function show(ctx: Koa.Context, web: Web, problem: string | null): Promise<void> {
  const { users } = web.context;
  const blocks = await web.context.blocks.list(LIMIT);
  const ids = blocks.flatMap(({ userId, liftedBy }) => [userId, liftedBy]).filter((id) => id !== null);
  const emails = await users.emails(ids);
  const times = timesOf(ctx);
  const active = blocks
    .filter((block) => block.active)
    .map((block) => {
      const { reason = '' } = typedBefore(ctx, web.context, `${PATH}/${block.id}/lift`);
      return { ...blockRow(block, emails, times), reason };
    });
  const past = blocks.filter((block) => !block.active).map((block) => blockRow(block, emails, times));
  const page = {
    active,
    past,
    count: `${active.length} active, ${blocks.length === LIMIT ? 'the newest ' : ''}${past.length} past`,
    asOf: times.clock(times.now),
    problem,
  };
  const frame = { title: 'Blocks', current: 'blocks', wide: true, notice: problem ? null : doneNotice(ctx) } as const;
  await web.show(ctx, 'operator/blocks', page, frame);
}

function blockRow(block: ListedBlock, emails: ReadonlyMap<string, string>, times: Times): BlockRow {
  const { userId } = block;
  const address = addressOf(block);
  return {
    id: block.id,
    scope: scopeWords(block.scope),
    person: userId === null ? null : { email: emails.get(userId) ?? userId, href: `/operator/users/${userId}` },
    address,
    attemptsHref: `/operator/attempts?${new URLSearchParams({ address: address ?? '', time: 'all' })}`,
    from: times.clock(block.startedAt),
    until: times.clock(block.untilAt),
    failures: block.failures.toLocaleString('en'),
    refused: block.refused.toLocaleString('en'),
    reason: '',
    ended: block.active ? null : endOf(block, emails),
  };
}

/** Of a wider network too: `register_48`. */
function scopeWords(scope: string): string {
  const [, base = scope, bits] = WIDE.exec(scope) ?? [];
  const words = SCOPES[base] ?? base;
  return bits === undefined ? words : words.replace('client', `IPv6 /${bits}`);
}

/** A wider network's block names the network, not the one address that began it. */
function addressOf({ scope, ip }: ListedBlock): string | null {
  const bits = Number(WIDE.exec(scope)?.[2]);
  return widerNetworks(ip).find((wider) => wider.bits === bits)?.network ?? ip;
}

function endOf({ endReason, liftedBy, liftReason }: ListedBlock, emails: ReadonlyMap<string, string>): string {
  if (endReason !== 'lifted') return 'ran out';
  const who = liftedBy === null ? 'on the command line' : `by ${emails.get(liftedBy) ?? liftedBy}`;
  return `lifted ${who}: ${liftReason ?? ''}`;
}
