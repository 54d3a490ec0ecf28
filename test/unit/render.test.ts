// Every template with every fixture, without a browser: nothing is left unescaped, and nothing is read as an option.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRenderer } from '../../src/web/view/render.ts';
import type { Frame, Views } from '../../src/web/view/views.ts';
import { pageContext } from '../support/page-context.ts';
import { FIXTURES, type Fixture, HOSTILE_FIXTURES } from '../support/view-fixtures.ts';

const viewsDir = join(import.meta.dirname, '../../views');
const assets = () => ({
  css: '/assets/holdfast.0.css',
  js: '/assets/holdfast.0.js',
  passkeys: '/p.js',
  board: '/b.js',
  icon: '/assets/icon.0.svg',
});
const render = createRenderer({ viewsDir, assets });

async function rendered({ view, page, frame }: Fixture): Promise<string> {
  const ctx = pageContext();
  await render(ctx, view, page, frame);
  expect(ctx.type).toBe('text/html');
  return String(ctx.body);
}

describe('every view', () => {
  it.each(FIXTURES.map((fixture) => [fixture.name, fixture] as const))('%s', async (_name, fixture) => {
    const html = await rendered(fixture);
    expect(html).toMatch(/^<!doctype html>/);
    expect(html).toMatch(/<\/html>\s*$/);
    expect(html).not.toMatch(/undefined|\[object|NaN|<%|%>/);
    expect(html.match(/<h1/g)).toHaveLength(1);
    expect(html).not.toMatch(/<style|style=|\son\w+=|<script(?! src="\/assets\/| type="text\/html" data-scripted>)/);
    if (fixture.frame.notice !== null) expect(html).toContain(fixture.frame.notice.text);
  });

  it.each(FIXTURES.map((fixture) => [fixture.name, fixture] as const))(
    '%s: each POST has the token',
    async (_name, fixture) => {
      const forms = (await rendered(fixture))
        .split('<form')
        .slice(1)
        .map((rest) => rest.split('</form>')[0] ?? '');
      for (const form of forms.filter((text) => text.includes('method="post"'))) {
        expect(form).toContain('<input type="hidden" name="_csrf" value="csrf-token">');
      }
    },
  );
});

describe('hostile texts', () => {
  it.each(HOSTILE_FIXTURES.map((fixture) => [fixture.name, fixture] as const))('%s', async (_name, fixture) => {
    const html = await rendered(fixture);
    expect(html).not.toContain('<script>alert');
    expect(html).not.toContain('<img src=x');
    expect(html).not.toContain('<b>A</b>');
    expect(html).not.toMatch(/\b49\b/);
    expect(html).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
    expect(html).toContain('&#34;&gt;');
  });

  it('keys named as EJS options are only data', async () => {
    const options = {
      client: true,
      cache: false,
      settings: { 'view options': { escape: 'x' } },
      escapeFunction: 'process.exit',
    };
    const page: Views['home'] = { loggedIn: false, registers: true, ...options };
    const frame: Frame = { ...(FIXTURES[0]?.frame as Frame), ...options };
    const ctx = pageContext();
    Object.assign(ctx.state, options, { body: '<script>state</script>', assets: {}, outputFunctionName: 'x;y' });
    await render(ctx, 'home', page, frame);
    expect(String(ctx.body)).toContain('Create an account');
    expect(String(ctx.body)).not.toContain('<script>state');
  });
});

it('says who is logged in, and where, only to members', async () => {
  const pages = await Promise.all(FIXTURES.map(async (fixture) => ({ fixture, html: await rendered(fixture) })));
  for (const { fixture, html } of pages) expect(html.includes('action="/logout"')).toBe(fixture.frame.member !== null);
});

it('renders pages at once without mixing them', async () => {
  const pages = await Promise.all(
    Array.from({ length: 50 }, async (_, index) => {
      const [fixture] = FIXTURES;
      if (fixture === undefined) throw new Error('no fixture');
      return rendered({ ...fixture, frame: { ...fixture.frame, title: `Page ${index} of many` } });
    }),
  );
  for (const [index, html] of pages.entries()) expect(html).toContain(`<title>Page ${index} of many`);
});

describe('with templates of its own', () => {
  const directory = mkdtempSync(join(tmpdir(), 'views-'));
  const write = (name: string, text: string) => writeFileSync(join(directory, name), text);
  const show = async (reloading: ReturnType<typeof createRenderer>) => {
    const ctx = pageContext();
    await reloading(ctx, 'home', { loggedIn: false, registers: true }, FIXTURES[0]?.frame as Frame);
    return String(ctx.body);
  };
  afterAll(() => rmSync(directory, { recursive: true }));

  it('reads them anew only where it is told to', async () => {
    write('layout.ejs', '<%- body %>');
    write('home.ejs', 'first <%= page.loggedIn %>');
    const once = createRenderer({ viewsDir: directory, assets });
    const reloading = createRenderer({ viewsDir: directory, assets, reload: true });
    expect([await show(once), await show(reloading)]).toEqual(['first false', 'first false']);
    write('home.ejs', 'second <%= page.loggedIn %>');
    expect([await show(once), await show(reloading)]).toEqual(['first false', 'second false']);
  });

  it('puts a partial in its place with what it is given, also within another', async () => {
    mkdirSync(join(directory, 'partials'));
    write(
      'partials/outer.ejs',
      "<% const name = part.name; %>(<%= name %> <%- partial('inner', { of: name, deep: part.deep }) %> <%- partial('inner') %>)",
    );
    write('partials/inner.ejs', "<%= part ? part.of : 'alone' %><% if (part) { %>:<%= part.deep %><% } %>");
    write(
      'home.ejs',
      "<% const name = 'page'; %><%- partial('outer', { name: '<one>', deep: page.loggedIn }) %> <%= name %>",
    );
    expect(await show(createRenderer({ viewsDir: directory, assets }))).toBe(
      '(&lt;one&gt; &lt;one&gt;:false alone) page',
    );
  });

  it('does not start with one that contains itself', () => {
    write('partials/outer.ejs', "<%- partial('outer') %>");
    expect(() => createRenderer({ viewsDir: directory, assets })).toThrow('contains itself');
  });

  it('does not start with a broken one, and names it', () => {
    write('home.ejs', '<% if ( %>');
    expect(() => createRenderer({ viewsDir: directory, assets })).toThrow('home.ejs');
  });
});
