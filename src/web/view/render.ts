// Renders a view and its typed object in the layout, by koa-views and EJS. Templates are compiled
// once a language: a render reads no file, and no key of a page becomes an EJS option.
import { relative, sep } from 'node:path';
import type Koa from 'koa';
import type { AssetUrls } from '../http/assets.ts';
import { memo } from '../http/memo.ts';
import { en } from '../texts/en.ts';
import { EXTENSION, loadKoaViews } from './koa-views.ts';
import { createTemplates, readSources, viewsOf } from './templates.ts';
import type { Frame, Views } from './views.ts';

export type Render = <V extends keyof Views>(ctx: Koa.Context, view: V, page: Views[V], frame: Frame) => Promise<void>;

export type Fragment = (name: string, part?: unknown) => string;

interface RendererOptions {
  readonly viewsDir: string;
  readonly assets: () => AssetUrls;
  /** Development: read the templates anew for every page. */
  readonly reload?: boolean;
}

interface PageLocals {
  readonly page: unknown;
  readonly frame: Frame;
}

const HTML = 'text/html; charset=utf-8';

/** Compiles every template now, so that a broken one stops the start. */
export function createRenderer({ viewsDir, assets, reload = false }: RendererOptions): Render {
  const readOnce = readSources(viewsDir);
  const compiledOnce = memo((text: Frame['text']) => createTemplates(readOnce, text));
  const templatesFor = reload
    ? (text: Frame['text']) => createTemplates(readSources(viewsDir), text, true)
    : compiledOnce;
  const first = templatesFor(en);
  for (const file of viewsOf(readOnce)) first.page(file);

  const nameOf = memo((file: string) => relative(viewsDir, file).replaceAll(sep, '/'));
  const middleware = loadKoaViews()(viewsDir, {
    autoRender: false,
    extension: 'ejs',
    engineSource: {
      ejs: async (file: string, { page, frame }: PageLocals) =>
        templatesFor(frame.text).page(nameOf(file))({ page, frame, text: frame.text, assets: assets() }),
    },
  });
  // One context of its own for koa-views: a page gets nothing from a request but its locals.
  const carrier = { state: {}, response: {} } as unknown as Koa.Context;
  void middleware(carrier, async () => undefined);

  return async (ctx, view, page, frame) => {
    const locals: PageLocals = { page, frame };
    const html: unknown = await carrier.render(view + EXTENSION, locals);
    ctx.res.setHeader('Content-Type', HTML);
    ctx.body = Buffer.from(String(html)); // a string would be encoded twice: for its length, and to be sent
  };
}

/** Renders partials outside a page, with a part and the texts but no frame. */
export function createFragments(viewsDir: string, text: Frame['text']): Fragment {
  const { partial } = createTemplates(readSources(viewsDir), text);
  return (name, part) => partial(name)({ text, part });
}
