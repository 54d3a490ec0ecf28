// Bull Board, read-only and without the addresses and browsers in jobs. Loaded when an operator
// first asks for it.
import type Koa from 'koa';
import { QUEUE_NAMES, type Queues } from '../../core/platform/queues.ts';

/** Parts of a payload that tell where a person was. */
const PERSONAL = ['origin', 'ip', 'userAgent'];

const ICON = '/favicon.ico';

/** `script` is where views/assets/board.js is. */
export async function loadBullBoard(basePath: string, queues: Queues, script: string): Promise<Koa.Middleware> {
  const [{ createBullBoard }, { BullMQAdapter }, { KoaAdapter }] = await Promise.all([
    import('@bull-board/api'),
    import('@bull-board/api/bullMQAdapter'),
    import('@bull-board/koa'),
  ]);
  const serverAdapter = new KoaAdapter().setBasePath(basePath);
  const opened = await Promise.all(QUEUE_NAMES.map((name) => queues.open(name)));
  const adapters = opened.map((queue) => {
    const adapter = new BullMQAdapter(queue, { readOnlyMode: true });
    adapter.setFormatter('data', withoutPersonal);
    return adapter;
  });
  createBullBoard({
    queues: adapters,
    serverAdapter,
    options: {
      uiConfig: {
        boardTitle: 'Queues',
        boardLogo: { path: ICON, width: 20, height: 20 },
        favIcon: { default: ICON, alternative: ICON },
        hideDocsLink: true,
        locale: { lng: 'en' },
      },
    },
  });
  const board = serverAdapter.registerPlugin() as Koa.Middleware;
  return async (ctx, next) => {
    await board(ctx, next);
    if (typeof ctx.body === 'string' && ctx.type === 'text/html')
      ctx.body = withoutBase(ownOnly(ctx.body), basePath, script);
  };
}

/** Our script (views/assets/board.js) says the place that a `<base>` would. */
function withoutBase(html: string, basePath: string, script: string): string {
  return html
    .replace(/<base [^>]*>/, '')
    .replaceAll(/(src|href)="static\//g, `$1="${basePath}/static/`)
    .replace('<script defer', `<script src="${script}" data-base="${basePath}/"></script><script defer`);
}

function withoutPersonal(data: unknown): unknown {
  if (!(data instanceof Object)) return data;
  return Object.fromEntries(Object.entries(data).filter(([name]) => !PERSONAL.includes(name)));
}

/** Without what our CSP refuses: fonts of another origin and inline styles. */
function ownOnly(html: string): string {
  return html
    .replaceAll(/<link [^>]*https?:[^>]*>/g, '')
    .replaceAll(/<style>[^<]*<\/style>/g, '')
    .replaceAll(/ style="[^"]*"/g, '');
}
