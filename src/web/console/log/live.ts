// The log as it grows: server-sent events, each a row for the top of the page.
import type Router from '@koa/router';
import type Koa from 'koa';
import { HttpError } from '../../http/http-error.ts';
import { queryText } from '../../http/query.ts';
import { requireConsole } from '../../session/access.ts';
import { zoneOf } from '../../texts/zone.ts';
import { timesIn } from '../../texts/zoned-times.ts';
import type { Web } from '../../view/page.ts';
import type { Fragment } from '../../view/render.ts';
import { AUDIT_PATH, readFilterAlone } from './filter.ts';
import type { LiveStreams } from './live-streams.ts';
import { accountsOf, auditRow } from './row.ts';
import { subjectsOf } from './subjects.ts';

const SEQ = /^\d{1,15}$/;

export function livePage(
  router: Router,
  web: Web,
  { streams, fragment }: { streams: LiveStreams; fragment: Fragment },
): void {
  const { users, database } = web.context;

  router.get(`${AUDIT_PATH}/live`, requireConsole(web.context), async (ctx) => {
    const { asked, filter, problems } = await readFilterAlone(ctx, users);
    if (Object.keys(problems).length > 0) throw new HttpError(422, 'bad_filter');
    await web.noteRead(ctx, await subjectsOf(filter, web.context), 'events');
    const zone = zoneOf(ctx);
    await streams.open(ctx, {
      filter,
      after: readAfter(ctx),
      async render(events) {
        const emails = await users.emails(accountsOf(events));
        const times = timesIn(zone, database.clock.now());
        return events.map((event) => fragment('audit-row', auditRow(event, emails, asked, times)));
      },
    });
  });
}

function readAfter(ctx: Koa.Context): number | null {
  const text = ctx.get('Last-Event-ID') || queryText(ctx, 'after');
  return SEQ.test(text) ? Number(text) : null;
}
