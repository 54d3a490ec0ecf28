// Templates of EJS, compiled once a language: a page is one function, with the layout around it and every partial in its place,
// and fixed texts where they are used. So a page joins a few dozen long strings, and calls nothing for a part of it.
import { readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import ejs from 'ejs';
import type { AssetUrls } from '../http/assets.ts';
import { memo } from '../http/memo.ts';
import { EXTENSION } from './koa-views.ts';
import type { Frame } from './views.ts';

/** All that a template can read: `part` in a partial, `assets` in the layout. */
interface Locals {
  readonly page?: unknown;
  readonly frame?: Frame;
  readonly text: Frame['text'];
  readonly part?: unknown;
  readonly assets?: AssetUrls;
}

declare module 'ejs' {
  interface Options {
    /** Missing in the types: passes the locals uncopied. */
    unsafePrototypeLocals?: boolean;
  }
}

export type Template = (locals: Locals) => string;

/** By the name of a file. */
export type Sources = ReadonlyMap<string, string>;

export interface Templates {
  readonly page: (file: string) => Template;
  readonly partial: (name: string) => Template;
}

const PARTIALS = 'partials/';
const MAILS = 'mail/';
const LAYOUT = `layout${EXTENSION}`;
const PARTIAL = /<%-\s*partial\('([\w-]+)'(?:,\s*((?:(?!%>)[\s\S])*?))?\)\s*%>/g;
/** Deeper ones contain themselves. */
const DEEPEST = 8;

export function readSources(viewsDir: string): Sources {
  const files = readdirSync(viewsDir, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith(EXTENSION));
  return new Map(files.map((file) => [file.replaceAll(sep, '/'), readFileSync(join(viewsDir, file), 'utf8')]));
}

/** Of them those that are pages. */
export function viewsOf(sources: Sources): string[] {
  return [...sources.keys()].filter((file) => file !== LAYOUT && !file.startsWith(PARTIALS) && !file.startsWith(MAILS));
}

export function createTemplates(sources: Sources, text: Frame['text'], compileDebug = false): Templates {
  const source = (file: string): string => {
    const found = sources.get(file);
    if (found === undefined) throw new Error(`There is no template ${file}`);
    return trimmed(withWords(found, text));
  };

  function withPartials(template: string, depth = 0): string {
    if (depth > DEEPEST) throw new Error('A template contains itself');
    return template.replace(PARTIAL, (_tag, name: string, part = 'undefined') => {
      const partial = withPartials(source(fileOf(name)), depth + 1);
      return `<% { const given = (${part}); { const part = given; %>${partial}<% } } %>`;
    });
  }

  return {
    page: memo((file: string) => {
      const view = source(file);
      return compile(
        file,
        withPartials(source(LAYOUT).replace('<%- body %>', () => `<% { %>${view}<% } %>`)),
        compileDebug,
      );
    }),
    partial: memo((name: string) => compile(fileOf(name), withPartials(source(fileOf(name))), compileDebug)),
  };
}

function fileOf(partial: string): string {
  return PARTIALS + partial + EXTENSION;
}

/** Without the space around lines, which browsers don't show. */
function trimmed(source: string): string {
  return source.replace(/[\r\n]+/g, '\n').replace(/^\s+|\s+$/gm, '');
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
      destructuredLocals: ['page', 'frame', 'text', 'part', 'assets'],
      unsafePrototypeLocals: true, // ours are literals with known names
      escape: escaped,
      compileDebug,
    });
  } catch (error) {
    throw new Error(`The template ${file} does not compile`, { cause: error });
  }
}
