// `npm run screenshots -- [folder] [--only text] [--readme]`: a picture of every page in every state of the view fixtures,
// on a phone and a desktop, light and dark, and a page that shows them side by side. With --readme also README's image.
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import type { Browser } from 'playwright-core';
import { launchBrowser } from '../../harness/chromium.ts';
import { projectRoot } from '../../src/core/platform/project-root.ts';
import { servePages } from '../support/pages-server.ts';
import { FIXTURES, NOW } from '../support/view-fixtures.ts';

const LOOKS = [
  { width: 375, height: 800, colorScheme: 'light' },
  { width: 375, height: 800, colorScheme: 'dark' },
  { width: 1_440, height: 900, colorScheme: 'light' },
  { width: 1_440, height: 900, colorScheme: 'dark' },
] as const;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { only: { type: 'string', default: '' }, readme: { type: 'boolean', default: false } },
});
const folder = path.resolve(positionals[0] ?? path.join(process.env['DATA_DIR'] ?? '.data', 'screenshots'));
/** German is the same pages with longer words: asked for by name (`--only -de`). */
const names = FIXTURES.map(({ name }) => name).filter((name) =>
  values.only === '' ? !name.endsWith('-de') : name.includes(values.only),
);

mkdirSync(folder, { recursive: true });
const pages = await servePages();
const browser = await launchBrowser();
try {
  for (const look of LOOKS) await takeAll(browser, look);
  if (values.readme) await takeReadme(browser);
} finally {
  await browser.close();
  await pages.close();
}
writeFileSync(path.join(folder, 'index.html'), contactSheet());
process.stdout.write(`${names.length * LOOKS.length} pictures and index.html are in ${folder}\n`);

async function takeAll(chromium: Browser, { width, height, colorScheme }: (typeof LOOKS)[number]): Promise<void> {
  const context = await chromium.newContext({
    ...{ viewport: { width, height }, colorScheme, locale: 'en-GB', reducedMotion: 'reduce' },
  });
  const page = await context.newPage();
  await page.clock.setFixedTime(NOW);
  for (const name of names) {
    await page.goto(`${pages.url}/${name}`);
    await page.screenshot({ path: path.join(folder, `${name}-${width}-${colorScheme}.png`), fullPage: true });
  }
  await context.close();
}

async function takeReadme(chromium: Browser): Promise<void> {
  const viewport = { width: 960, height: 640 };
  const context = await chromium.newContext({ viewport, colorScheme: 'light', locale: 'en-GB', deviceScaleFactor: 2 });
  const page = await context.newPage();
  await page.clock.setFixedTime(NOW);
  await page.goto(`${pages.url}/sessions-full`);
  await page.screenshot({ path: path.join(projectRoot, 'docs', 'images', 'sessions.png') });
  await context.close();
}

/** One row a page: the four pictures beside each other. */
function contactSheet(): string {
  const picture = (name: string, { width, colorScheme }: (typeof LOOKS)[number]) =>
    `<a href="${name}-${width}-${colorScheme}.png"><img src="${name}-${width}-${colorScheme}.png" alt="${width}, ${colorScheme}" loading="lazy"></a>`;
  const rows = names.map((name) => `<h2>${name}</h2><p>${LOOKS.map((look) => picture(name, look)).join(' ')}</p>`);
  const style = 'body{font:14px system-ui;background:#888}img{height:32rem;vertical-align:top}p{white-space:nowrap}';
  return `<!doctype html><meta charset="utf-8"><title>Pages</title><style>${style}</style>${rows.join('\n')}`;
}
