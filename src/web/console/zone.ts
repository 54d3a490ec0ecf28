// The zone in which the console says its moments: a button to UTC and back on every page, and a page
// with every zone, for browsers without scripts too.
import type Router from '@koa/router';
import type Koa from 'koa';
import { readBody, readNext } from '../http/form.ts';
import { seeOther } from '../http/redirect.ts';
import { requireConsole, requireConsoleForm } from '../session/access.ts';
import { typedBefore } from '../session/kept-form.ts';
import { browserZone, dropZone, keepZone, readZone, UTC, zoneOf } from '../texts/zone.ts';
import type { Web } from '../view/page.ts';

const PATH = '/operator/zone';

export function zonePages(router: Router, web: Web): void {
  router.get(PATH, requireConsole(web.context), (ctx) => show(ctx, web, null));
  router.post(PATH, requireConsoleForm(web.context), (ctx) => choose(ctx, web));
}

async function choose(ctx: Koa.Context, web: Web): Promise<void> {
  const { config } = web.context;
  const fields = await readBody(ctx);
  const zone = readZone((fields['zone'] ?? '').trim());
  if (zone === null) {
    ctx.status = 422;
    return show(ctx, web, 'There is no such zone. Choose one from the list.');
  }
  if (zone === browserZone(ctx)) dropZone(ctx, config);
  else keepZone(ctx, config, zone);
  return seeOther(ctx, readNext(fields['back']) ?? '/operator');
}

function show(ctx: Koa.Context, web: Web, problem: string | null): Promise<void> {
  const zone = readZone(typedBefore(ctx, web.context)['zone'] ?? '') ?? zoneOf(ctx);
  const zones = [...new Set([UTC, zone, ...Intl.supportedValuesOf('timeZone')])];
  const back = readNext(typeof ctx.query['back'] === 'string' ? ctx.query['back'] : undefined) ?? '/operator';
  const page = { zones, zone, back, problem };
  return web.show(ctx, 'operator/zone', page, { title: 'Time zone', current: null, wide: true });
}
