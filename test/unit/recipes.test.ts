// A recipe is filled in whole, with what it was given and no line more; those that no test runs are at least what they say they are.
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { PROXIES, type ProxyName, writeRecipe } from '../../src/core/forward-auth/recipes.ts';

const WIKI = { name: 'The Wiki', slug: 'the-wiki', url: 'https://wiki.example.org:8443' };
const OPTIONS = {
  listen: 8443,
  upstream: 'http://127.0.0.1:8000',
  holdfast: 'http://login.internal:3000',
  folder: '/etc/x',
};

function filesOf(proxy: ProxyName, about = WIKI) {
  const recipe = writeRecipe(proxy, about, OPTIONS);
  if (!recipe.ok) throw new Error(recipe.problem);
  return recipe.files;
}

describe.each(PROXIES)('%s', (proxy) => {
  test('has every place filled in', () => {
    for (const { text } of filesOf(proxy)) expect(text).not.toMatch(/\{\{\w+\}\}/);
    const [first] = filesOf(proxy);
    expect(first?.text).toContain('wiki.example.org');
    expect(filesOf(proxy).some(({ text }) => text.includes('login.internal'))).toBe(true);
    expect(first?.text).toContain('8443');
  });

  test('gets no line from the name of the application', () => {
    const lines = (about: typeof WIKI) => filesOf(proxy, about).map(({ text }) => text.split('\n').length);
    const name = 'Wiki\n} evil {\r\u2028 $(x) `y`';
    expect(lines({ ...WIKI, name })).toEqual(lines(WIKI));
    for (const { text } of filesOf(proxy, { ...WIKI, name })) {
      for (const line of text.split('\n').filter((one) => one.includes('evil'))) expect(line).toMatch(/^(?:#|--) /);
    }
  });

  test.each([
    ['listen', { listen: 0 }],
    ['listen', { listen: Number.NaN }],
    ['upstream', { upstream: 'http://127.0.0.1:8000/path' }],
    ['upstream', { upstream: 'http://a;evil:1' }],
    ['holdfast', { holdfast: 'ftp://login.internal' }],
    ['holdfast', { holdfast: 'http://login.internal:3000\n}' }],
    ['holdfast', { holdfast: 'http://user:secret@login.internal' }],
  ])('refuses another %s', (problem, wrong) => {
    expect(writeRecipe(proxy, WIKI, { ...OPTIONS, ...wrong })).toEqual({ ok: false, problem });
  });
});

test('Traefik’s and Envoy’s are YAML with the check and the identity in it', () => {
  for (const proxy of ['traefik', 'envoy'] as const) {
    const parsed: unknown = parse(filesOf(proxy)[0]?.text ?? '');
    const text = JSON.stringify(parsed);
    expect(text).toContain(`/forward-auth/${proxy === 'envoy' ? 'envoy' : 'forwarded'}/the-wiki`);
    for (const name of ['User', 'Email', 'Groups', 'Name', 'Assertion']) {
      expect(text.toLowerCase()).toContain(`holdfast${name.toLowerCase()}`);
    }
  }
});
