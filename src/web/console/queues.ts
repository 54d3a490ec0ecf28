// The queues, shown by Bull Board, which only reads (docs/decisions/0017-bull-board-only-reads.md), in
// a frame under the console's navigation and under a CSP of its own. While Redis is away the page
// says so.
import { setTimeout as delay } from 'node:timers/promises';
import type Router from '@koa/router';
import type Koa from 'koa';
import type { AssetUrls } from '../http/assets.ts';
import { HttpError } from '../http/http-error.ts';
import { queryText, withQuery } from '../http/query.ts';
import { seeOther } from '../http/redirect.ts';
import { requireConsole } from '../session/access.ts';
import type { Web } from '../view/page.ts';
import { loadBullBoard } from './bull-board.ts';

const PATH = '/operator/queues';
const BOARD = `${PATH}/board`;
/** What Bull Board calls its pages, so that a link leads to one of them: a queue, a job. */
const PAGE = /^(?:\/queue\/[\w%.-]{1,200}(?:\/[\w%.:-]{1,200})?)?$/;
const STATUS = /^[a-z-]{1,20}$/;
const ANSWERS_WITHIN_MS = 3_000;
const RETRY_SECONDS = 10;
const NAMED_BY_CONTENT = new RegExp(`^${BOARD}/static/(js|css)/`);

/** The style that Bull Board's script inserts; a browser test fails when it changes. */
const STYLE_OF_NOTICES = "'sha256-r2N1TB/gHbBtBZFKg7ejmq1acVSREzucTAEw6ga4hoU='";

const CSP_OF_BOARD = [
  "default-src 'none'",
  "script-src 'self'",
  `style-src 'self' ${STYLE_OF_NOTICES}`,
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'self'",
].join('; ');

/** Our page around it: the policy of every page, and this one frame. */
const FRAMES = "frame-src 'self'";

export function queuesPage(router: Router, web: Web, assets: () => AssetUrls): void {
  const { redis, queues, log } = web.context;
  let loading: Promise<Koa.Middleware> | null = null;

  const board: Koa.Middleware = async (ctx) => {
    // A page of its own would stand without the console's navigation.
    if (ctx.get('Sec-Fetch-Dest') === 'document')
      return seeOther(ctx, `${PATH}${ctx.url.slice(BOARD.length).replace(/^\/(?=\?|$)/, '')}`);
    if (!(await answers())) return away(ctx);
    loading ??= loadBullBoard(BOARD, queues, assets().board);
    const show = await loading.catch((error: unknown) => {
      loading = null;
      throw error;
    });
    ctx.set('Content-Security-Policy', CSP_OF_BOARD);
    ctx.set('X-Frame-Options', 'SAMEORIGIN');
    if (NAMED_BY_CONTENT.test(ctx.path)) ctx.set('Cache-Control', 'private, max-age=31536000, immutable');
    const late = delay(ANSWERS_WITHIN_MS, 'late', { ref: false });
    if ((await Promise.race([show(ctx, async () => undefined), late])) === 'late') await away(ctx);
  };

  const around: Koa.Middleware = async (ctx) => {
    const page = ctx.path.slice(PATH.length);
    if (!PAGE.test(page)) throw new HttpError(404, 'no_page');
    if (!(await answers())) return away(ctx);
    const status = queryText(ctx, 'status');
    const boardHref = withQuery(`${BOARD}${page}`, { status: STATUS.test(status) ? status : '' });
    await web.show(ctx, 'operator/queues', { boardHref }, { title: 'Queues', current: 'queues', wide: true });
    ctx.set('Content-Security-Policy', `${ctx.response.get('Content-Security-Policy')};${FRAMES}`);
  };

  const operator = requireConsole(web.context);
  for (const path of [BOARD, `${BOARD}/*rest`]) router.get(path, operator, board);
  for (const path of [PATH, `${PATH}/*rest`]) router.get(path, operator, around);

  async function answers(): Promise<boolean> {
    return redis.ping().then(
      () => true,
      (error: unknown) => {
        log.debug({ err: error }, 'the queues can’t be shown');
        return false;
      },
    );
  }

  async function away(ctx: Koa.Context): Promise<void> {
    ctx.set('Retry-After', String(RETRY_SECONDS));
    await web.show(ctx, 'operator/queues-away', {}, { title: 'Queues', current: 'queues', wide: true });
    ctx.status = 503;
  }
}
