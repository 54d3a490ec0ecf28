// The queues, shown by Bull Board, which only reads (docs/decisions/0017-bull-board-only-reads.md),
// under a CSP of its own. While Redis is away the page says so.
import { setTimeout as delay } from 'node:timers/promises';
import type Router from '@koa/router';
import type Koa from 'koa';
import { requireOperator, requireRecentLogin } from '../session/access.ts';
import type { Web } from '../view/page.ts';
import { loadBullBoard } from './bull-board.ts';

const PATH = '/operator/queues';
const ANSWERS_WITHIN_MS = 3_000;
const RETRY_SECONDS = 10;
const NAMED_BY_CONTENT = new RegExp(`^${PATH}/static/(js|css)/`);

/** The style that Bull Board's script inserts; a browser test fails when it changes. */
const STYLE_OF_NOTICES = "'sha256-r2N1TB/gHbBtBZFKg7ejmq1acVSREzucTAEw6ga4hoU='";

const CSP = [
  "default-src 'none'",
  "script-src 'self'",
  `style-src 'self' ${STYLE_OF_NOTICES}`,
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

export function queuesPage(router: Router, web: Web): void {
  const { redis, queues, log } = web.context;
  let loading: Promise<Koa.Middleware> | null = null;

  const board: Koa.Middleware = async (ctx, next) => {
    if (!(await answers())) return away(ctx);
    loading ??= loadBullBoard(PATH, queues);
    const show = await loading.catch((error: unknown) => {
      loading = null;
      throw error;
    });
    ctx.set('Content-Security-Policy', CSP);
    if (NAMED_BY_CONTENT.test(ctx.path)) ctx.set('Cache-Control', 'private, max-age=31536000, immutable');
    const late = delay(ANSWERS_WITHIN_MS, 'late', { ref: false });
    if ((await Promise.race([show(ctx, next), late])) === 'late') await away(ctx);
  };

  const guards = [requireOperator(web.context), requireRecentLogin(web.context, PATH)];
  for (const path of [PATH, `${PATH}/*rest`]) router.get(path, ...guards, board);

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
