// Bull Board, as this console shows it: it reads and changes nothing, and shows no address or browser that a job carries.
// Brought in when an operator first asks for it; until then a web process does without its code.
import type Koa from 'koa';
import { QUEUE_NAMES, type Queues } from '../../core/platform/queues.ts';

/** What of a job's payload tells where a person was. */
const PERSONAL = ['origin', 'ip', 'userAgent'];

const ICON = '/favicon.ico';

/** A middleware that answers for everything below `basePath`, with GET alone. */
export async function loadBullBoard(basePath: string, queues: Queues): Promise<Koa.Middleware> {
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
        miscLinks: [{ text: 'Back to the console', url: '/operator' }],
        hideDocsLink: true,
        locale: { lng: 'en' },
      },
    },
  });
  const board = serverAdapter.registerPlugin() as Koa.Middleware;
  return async (ctx, next) => {
    await board(ctx, next);
    if (typeof ctx.body === 'string' && ctx.type === 'text/html') ctx.body = ownOnly(ctx.body);
  };
}

function withoutPersonal(data: unknown): unknown {
  if (!(data instanceof Object)) return data;
  return Object.fromEntries(Object.entries(data).filter(([name]) => !PERSONAL.includes(name)));
}

/** The page without what its CSP refuses: fonts of another origin, and the style of a placeholder that stands for a moment. */
function ownOnly(html: string): string {
  return html
    .replaceAll(/<link [^>]*https?:[^>]*>/g, '')
    .replaceAll(/<style>[^<]*<\/style>/g, '')
    .replaceAll(/ style="[^"]*"/g, '');
}
