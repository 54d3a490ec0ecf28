// Renders a view and its typed object in the layout, by koa-views and EJS. Templates are compiled
// once a language: a render reads no file, and no key of a page becomes an EJS option.
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import ejs from 'ejs';
import type Koa from 'koa';
import type { AssetUrls } from '../http/assets.ts';
import { memo } from '../http/memo.ts';
import { en } from '../texts/en.ts';
import { EXTENSION, loadKoaViews } from './koa-views.ts';
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

/** All that a template can read: `part` in a partial, `assets` and `body` in the layout. */
interface Locals extends PageLocals {
  readonly text: Frame['text'];
  readonly partial: (name: string, part?: unknown) => string;
  readonly part?: unknown;
  readonly assets?: AssetUrls;
  readonly body?: string;
}

declare module 'ejs' {
  interface Options {
    /** Missing in the types: passes the locals uncopied. */
    unsafePrototypeLocals?: boolean;
  }
}

type Template = (locals: Locals) => string;
type Templates = (file: string) => Template;

const HTML = 'text/html; charset=utf-8';

/** Compiles every template now, so that a broken one stops the start. */
export function createRenderer({ viewsDir, assets, reload = false }: RendererOptions): Render {
  const readOnce = readSources(viewsDir);
  const compiledOnce = memo((text: Frame['text']) => createTemplates(readOnce, text, false));
  const templatesFor = reload
    ? (text: Frame['text']) => createTemplates(readSources(viewsDir), text, true)
    : compiledOnce;
  const first = templatesFor(en);
  for (const file of readOnce.keys()) first(file);

  const nameOf = memo((file: string) => relative(viewsDir, file).replaceAll(sep, '/'));
  const middleware = loadKoaViews()(viewsDir, {
    autoRender: false,
    extension: 'ejs',
    engineSource: {
      ejs: async (file: string, { page, frame }: PageLocals) =>
        withLayout(templatesFor(frame.text), nameOf(file), { page, frame }, assets()),
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
  const find = createTemplates(readSources(viewsDir), text, false);
  const fragment: Fragment = (name, part) => {
    const locals = { page: undefined, frame: undefined as unknown as Frame, text, partial: fragment, part };
    return find(`partials/${name}${EXTENSION}`)(locals);
  };
  return fragment;
}

function withLayout(find: Templates, name: string, { page, frame }: PageLocals, assets: AssetUrls): string {
  // EJS's own `include` looks for the file each time, which doubles the cost of a page.
  const { text } = frame;
  const partial = (partialName: string, part?: unknown): string =>
    find(`partials/${partialName}${EXTENSION}`)({ page, frame, text, partial, part });
  const body = find(name)({ page, frame, text, partial });
  return find(`layout${EXTENSION}`)({ page, frame, text, partial, assets, body });
}

function readSources(viewsDir: string): ReadonlyMap<string, string> {
  const files = readdirSync(viewsDir, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith(EXTENSION));
  return new Map(files.map((file) => [file.replaceAll(sep, '/'), readFileSync(join(viewsDir, file), 'utf8')]));
}

function createTemplates(sources: ReadonlyMap<string, string>, text: Frame['text'], compileDebug: boolean): Templates {
  return memo((file: string) => {
    const source = sources.get(file);
    if (source === undefined) throw new Error(`There is no template ${file}`);
    return compile(file, withWords(source, text), compileDebug);
  });
}

/** The template in one language, with fixed texts escaped and in place. */
function withWords(source: string, text: Frame['text']): string {
  return source.replaceAll(/<%=\s*text\.([\w.]+)\s*%>/g, (tag, names: string) => {
    const word = names
      .split('.')
      .reduce<unknown>((table, name) => (table as Record<string, unknown> | undefined)?.[name], text);
    return typeof word === 'string' ? ejs.escapeXML(word) : tag;
  });
}

const SPECIAL = /[&<>"']/;

function escaped(value: unknown): string {
  const written = value === undefined || value === null ? '' : String(value);
  return SPECIAL.test(written) ? ejs.escapeXML(written) : written;
}

function compile(file: string, source: string, compileDebug: boolean): Template {
  try {
    return ejs.compile(source, {
      strict: true,
      _with: false,
      destructuredLocals: ['page', 'frame', 'text', 'partial', 'part', 'assets', 'body'],
      rmWhitespace: true,
      unsafePrototypeLocals: true, // ours are literals with known names
      escape: escaped,
      compileDebug,
    });
  } catch (error) {
    throw new Error(`The template ${file} does not compile`, { cause: error });
  }
}
