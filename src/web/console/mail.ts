// Mail as operators see it: what waits, what failed and why. Never a link or a text.
import type Router from '@koa/router';
import type { ListedMail } from '../../core/mail/outgoing-mail.ts';
import { queryText } from '../http/query.ts';
import { requireConsole } from '../session/access.ts';
import type { Times } from '../texts/zoned-times.ts';
import type { MailRow } from '../view/console-views.ts';
import { timesOf, type Web } from '../view/page.ts';
import { mailTitle } from './words/mail-titles.ts';

const LIMIT = 200;

export function mailPage(router: Router, web: Web): void {
  const { mail } = web.context;

  router.get('/operator/mail', requireConsole(web.context), async (ctx) => {
    const all = queryText(ctx, 'all') === 'yes';
    const times = timesOf(ctx);
    const rows = (await mail.list({ all, limit: LIMIT })).map((one) => mailRow(one, times));
    const page = { rows, all, possible: mail.possible, asOf: times.clock(times.now) };
    await web.show(ctx, 'operator/mail', page, { title: 'Mail', current: 'mail', wide: true });
  });
}

function mailRow(
  { recipient, template, outcome, createdAt, dueAt, endedAt, attempts, lastError }: ListedMail,
  times: Times,
): MailRow {
  return {
    recipient,
    title: mailTitle(template),
    template,
    state: outcome ?? 'waiting',
    wrong: outcome === 'failed' || (outcome === null && attempts > 1),
    created: times.clock(createdAt),
    since: times.clock(endedAt ?? dueAt),
    attempts,
    error: lastError,
  };
}
