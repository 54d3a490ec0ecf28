// The texts of every language say the same things with the same parts, and no page for visitors has words of its own.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { TEXTS } from '../../src/web/texts/language.ts';

const viewsDir = join(import.meta.dirname, '../../views');
const { en, ...others } = TEXTS;
const OTHERS = Object.entries(others);

type Leaf = readonly [string, unknown];

/** Every text of a language under its dotted name. */
function leaves(value: unknown, path = ''): Leaf[] {
  if (typeof value !== 'object' || value === null) return [[path, value]];
  return Object.entries(value).flatMap(([key, inner]) => leaves(inner, path === '' ? key : `${path}.${key}`));
}

/** What a text becomes, and which of the things put into it are found there. */
function used(value: unknown): readonly string[] {
  if (typeof value !== 'function') return [];
  return ['7', '11', '13'].filter((one) => String(value('7', '11', '13')).includes(one));
}

it.each(OTHERS)('%s has every text that English has, and no other', (_language, texts) => {
  expect(leaves(texts).map(([path]) => path)).toEqual(leaves(en).map(([path]) => path));
});

it.each(OTHERS)('%s puts into each text what English puts into it', (_language, texts) => {
  const inEnglish = new Map(leaves(en));
  for (const [path, value] of leaves(texts)) {
    const english = inEnglish.get(path);
    expect([path, typeof value, used(value)]).toEqual([path, typeof english, used(english)]);
  }
});

it.each(OTHERS)('%s leaves nothing empty that English does not, and nothing in English', (_language, texts) => {
  const inEnglish = new Map(leaves(en));
  for (const [path, value] of leaves(texts).filter(([, text]) => typeof text === 'string')) {
    expect([path, value === '']).toEqual([path, inEnglish.get(path) === '']);
    if (String(value).split(' ').length > 2) expect([path, value]).not.toEqual([path, inEnglish.get(path)]);
  }
});

it('counts as each language does', () => {
  expect(TEXTS.en.sessions.endOthers(1)).toBe('End the other session');
  expect(TEXTS.en.sessions.endOthers(1_200)).toBe('End all 1,200 other sessions');
  expect(TEXTS.de.sessions.endOthers(1_200)).toBe('Alle 1.200 anderen Sitzungen beenden');
});

/** The templates that visitors see: all but the operators' pages, with the partials that they use. */
function visitorTemplates(): string[] {
  const files = readdirSync(viewsDir, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ejs'));
  const found = new Set(files.filter((file) => !/^(operator|partials)\//.test(file)));
  for (const file of found) {
    for (const [, name] of readFileSync(join(viewsDir, file), 'utf8').matchAll(/partial\('([\w-]+)'/g)) {
      if (!name?.startsWith('operator-')) found.add(`partials/${name}.ejs`);
    }
  }
  return [...found];
}

/** What a template would show whatever the language: text between tags, and attributes that are read out. */
function literals(template: string): string[] {
  const markup = template.replace(/<%[\s\S]*?%>/g, '');
  const attributes = [...markup.matchAll(/ (?:alt|title|placeholder|aria-label)="([^"]*)"/g)].map((match) => match[1]);
  const texts = markup.replace(/<[^>]*>/g, '\n').split('\n');
  return [...attributes, ...texts].filter((text): text is string => /\p{L}/u.test(text ?? ''));
}

describe('a page for visitors has no words of its own', () => {
  it('such words are found', () => {
    expect(literals('<p title="A">B<% if (x) { %> c<% } %></p><%= text.d %>')).toEqual(['A', 'B c']);
    expect(visitorTemplates()).toEqual(expect.arrayContaining(['layout.ejs', 'login.ejs', 'partials/field.ejs']));
  });

  it.each(visitorTemplates())('%s', (file) => {
    expect(literals(readFileSync(join(viewsDir, file), 'utf8'))).toEqual([]);
  });
});
