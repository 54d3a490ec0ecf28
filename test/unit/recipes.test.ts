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

function filesOf(proxy: ProxyName, about: typeof WIKI & { remoteUser?: boolean } = WIKI) {
  const recipe = writeRecipe(proxy, about, OPTIONS);
  if (!recipe.ok) throw new Error(recipe.problem);
  return recipe.files;
}

describe.each(PROXIES)('%s', (proxy) => {
  test('has every place filled in', () => {
    for (const { text } of filesOf(proxy)) expect(text).not.toMatch(/\{\{.*\}\}/);
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

test.each<ProxyName>(['traefik', 'envoy'])(
  '%s’s takes away what a visitor sends by any spelling of those names',
  (proxy) => {
    const text = filesOf(proxy)[0]?.text.toLowerCase() ?? '';
    for (const name of ['user', 'email', 'groups', 'name']) {
      for (const spelled of [`holdfast${name}`, `remote-${name}`, `remote.${name}`])
        expect(text).toMatch(new RegExp(`^ *(?:- remove: ${spelled}|${spelled}: "")$`, 'm'));
      if (proxy === 'traefik') expect(text).toMatch(new RegExp(`^ *remote_${name}: ""$`, 'm'));
    }
    if (proxy === 'envoy') expect(text).toContain('headers_with_underscores_action: drop_header');
    if (proxy === 'traefik') expect(text).toContain('middlewares: ["holdfast-the-wiki-names", "holdfast-the-wiki"]');
  },
);

test.each<ProxyName>(['traefik', 'envoy'])('%s’s passes Remote-User on where the application gets it', (proxy) => {
  const passed = (remoteUser: boolean) =>
    /^ *- (?:exact: )?remote-user$/im.test(filesOf(proxy, { ...WIKI, remoteUser })[0]?.text ?? '');
  expect([passed(false), passed(true)]).toEqual([false, true]);
});

test('Envoy’s check says by a header for which application it asks', () => {
  expect(filesOf('envoy')[0]?.text).toContain('headers_to_add: [{ key: holdfastapplication, value: "the-wiki" }]');
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

test('an application whose name in paths is holdfast is told apart from Holdfast itself', () => {
  const texts = (proxy: ProxyName) => filesOf(proxy, { ...WIKI, slug: 'holdfast' }).map(({ text }) => text);
  const named = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([, name]) => name);
  const backends = named(texts('haproxy').join(''), /^backend (.+)$/gm);
  const clusters = named(texts('envoy').join(''), /cluster_name: "?([^"\n]+)/g);
  for (const names of [backends, clusters]) expect([names.length, new Set(names).size]).toEqual([2, 2]);
  expect(() => parse(texts('traefik').join(''))).not.toThrow(); // a key that is there twice is none
});
