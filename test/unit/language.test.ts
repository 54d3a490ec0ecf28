// Which language a visitor gets: what they chose, else what their browser accepts, of those that are allowed.
import { expect, it } from '@jest/globals';
import type { Language } from '../../src/core/platform/languages.ts';
import { languages } from '../../src/web/texts/language.ts';
import { pageContext } from '../support/page-context.ts';

const both = languages({ languages: ['en', 'de'], secureCookies: false });

async function chosen(headers: Readonly<Record<string, string>>, middleware = both): Promise<string> {
  const ctx = pageContext();
  Object.assign(ctx.req.headers, headers);
  await middleware(ctx, async () => undefined);
  return ctx.state.text.language;
}

it.each([
  ['', 'en'],
  ['de', 'de'],
  ['de-AT,de;q=0.9,en;q=0.8', 'de'],
  ['en-US,en;q=0.9,de;q=0.8', 'en'],
  ['fr-FR,fr;q=0.9,de;q=0.5,en;q=0.4', 'de'],
  ['fr', 'en'],
  ['*', 'en'],
  ['en;q=0,de', 'de'],
  ['de;q=0', 'en'],
  ['\u0000;;,,=', 'en'],
  [`de-DE,de;q=0.9,${Array.from({ length: 25 }, (_, index) => `x${index}-XX;q=0.${index + 10}`).join()}`, 'de'],
  [`de,${'x'.repeat(10_000)}`, 'en'],
])('"%s" gets %s', async (header, language) => {
  expect(await chosen({ 'accept-language': header })).toBe(language);
  expect(await chosen({ 'accept-language': header })).toBe(language);
});

it('what was chosen on a page goes first, if it is one of those allowed', async () => {
  const german = { 'accept-language': 'de' };
  expect(await chosen({ ...german, cookie: 'holdfast_language=en' })).toBe('en');
  expect(await chosen({ ...german, cookie: 'other=1; holdfast_language=xx' })).toBe('de');
});

it('the setting limits it, and its first is the default', async () => {
  const only = (...allowed: [Language, ...Language[]]) => languages({ languages: allowed, secureCookies: false });
  expect(await chosen({ 'accept-language': 'en', cookie: 'holdfast_language=en' }, only('de'))).toBe('de');
  expect(await chosen({ 'accept-language': 'fr' }, only('de', 'en'))).toBe('de');
});

it('stays right however many headers there are', async () => {
  for (let index = 0; index < 2_000; index += 1) {
    expect(await chosen({ 'accept-language': `de,en;q=0.${index}` })).toBe('de');
  }
});
