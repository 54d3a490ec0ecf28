// Every page as people get it: in a browser, under the real CSP, on a phone and a desktop, light and dark, with text
// twice as large, by keyboard and without JavaScript.
import { brotliCompressSync } from 'node:zlib';
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { axe, launchBrowser, screenshot } from '../../harness/chromium.ts';
import { until } from '../../harness/until.ts';
import { complaintsOf } from '../support/complaints.ts';
import { AXE, type PagesServer, servePages } from '../support/pages-server.ts';
import { textFaults } from '../support/text-faults.ts';
import { FIXTURES, HOSTILE_FIXTURES, NOW } from '../support/view-fixtures.ts';

const ALL = [...FIXTURES, ...HOSTILE_FIXTURES];

let browser: Browser;
let server: PagesServer;
let base: string;

beforeAll(async () => {
  [server, browser] = await Promise.all([servePages(), launchBrowser()]);
  base = server.url;
});

afterAll(async () => {
  await browser?.close();
  await server?.close();
});

interface Opened {
  readonly page: Page;
  /** Everything that the page complained of, and everything it asked for elsewhere. */
  readonly complaints: string[];
  readonly context: BrowserContext;
}

async function newPage(options: BrowserContextOptions): Promise<Opened> {
  const context = await browser.newContext({
    locale: 'en-GB',
    timezoneId: 'Europe/Lisbon',
    reducedMotion: 'reduce',
    ...options,
  });
  const page = await context.newPage();
  const complaints = complaintsOf(page, base);
  page.on('response', (response) => {
    if (response.status() >= 400) complaints.push(`${response.status()} ${response.url()}`);
  });
  await page.clock.setFixedTime(NOW);
  return { page, complaints, context };
}

async function open(name: string, options: BrowserContextOptions): Promise<Opened> {
  const opened = await newPage(options);
  await opened.page.goto(`${base}/${name}`);
  return opened;
}

/** How far the page can be pushed sideways. */
const sideways = (page: Page) => page.evaluate<number>('(scrollTo(10_000, scrollY), scrollX)');

const LOOKS = [
  { width: 375, colorScheme: 'light' },
  { width: 1440, colorScheme: 'dark' },
] as const;

/** Of the window and of the text, in pixels. */
const SIZES = [
  [320, 16],
  [375, 32],
  [900, 16],
  [1_280, 16],
  [1_440, 32],
] as const;

/** Fields that make a phone magnify the page. */
const SMALL_LETTERS = `[...document.querySelectorAll('input:not([type=hidden], [type=checkbox], [type=radio], .unseen), select, textarea')]
  .filter((field) => Number.parseFloat(getComputedStyle(field).fontSize) < 16).map((field) => field.outerHTML)`;

/** What a finger has to hit. */
const TARGETS = 'button:not([hidden]), .button, label.check, input:not([type=hidden], [type=checkbox], .unseen), nav a';

// One browser window goes through all pages, and one without JavaScript: a new one a page would take minutes. What the scripted
// one shows stays for all that is asked of it.
describe('every page', () => {
  let scripted: Opened;
  let plain: Opened;
  let shown: string | undefined;

  beforeAll(async () => {
    [scripted, plain] = await Promise.all([newPage({}), newPage({ javaScriptEnabled: false })]);
  });

  async function show(name: string): Promise<Page> {
    if (shown !== name) {
      shown = undefined;
      scripted.complaints.length = 0;
      await scripted.page.goto(`${base}/${name}`);
      shown = name;
    }
    return scripted.page;
  }

  async function resize(page: Page, width: number, textSize?: number): Promise<void> {
    await page.setViewportSize({ width, height: 800 });
    await page.evaluate(`document.documentElement.style.fontSize = "${textSize === undefined ? '' : `${textSize}px`}"`);
  }

  describe.each(ALL)('$name', ({ name, frame }) => {
    const hostile = name.startsWith('hostile');

    it('accessible, keeps to its CSP and origin, and fits', async () => {
      const page = await show(name);
      for (const { width, colorScheme } of LOOKS) {
        await page.setViewportSize({ width, height: 800 });
        await page.emulateMedia({ colorScheme });
        if (!hostile) await screenshot(page, `${name}-${width}-${colorScheme}`);
        expect(await sideways(page)).toBe(0);
        // The other language is the same page in longer words: those have to fit.
        if (!name.endsWith('-de')) expect(await axe(page, `${base}${AXE}`)).toEqual([]);
      }
      await page.setViewportSize({ width: 320, height: 640 });
      expect(await sideways(page)).toBe(0);
      expect(await page.evaluate<string[]>(SMALL_LETTERS)).toEqual([]);
      await resize(page, 375, 32);
      if (!hostile) await screenshot(page, `${name}-375-text200`);
      expect(await sideways(page)).toBe(0);
      expect(scripted.complaints).toEqual([]);
    });

    if (!hostile) {
      it('no text breaks inside a word, lies over another or is a time cut short, however narrow or large', async () => {
        const page = await show(name);
        const faults: [string, string[]][] = [];
        for (const [width, size] of SIZES) {
          await resize(page, width, size);
          const found = await textFaults(page);
          if (found.length > 0) faults.push([`${width} px, text of ${size} px`, found.slice(0, 12)]);
        }
        expect(faults).toEqual([]);
      });
    }

    if (!hostile && !frame.wide) {
      it('every button and field is 44 px high', async () => {
        const page = await show(name);
        await resize(page, 1_440);
        const small = await page.evaluate<string[]>(
          `[...document.querySelectorAll('${TARGETS}')]
            .filter((element) => element.checkVisibility() && element.getBoundingClientRect().height < 44).map((element) => element.outerHTML)`,
        );
        expect(small).toEqual([]);
      });
    }

    it('works without JavaScript', async () => {
      const { page, complaints } = plain;
      complaints.length = 0;
      await page.goto(`${base}/${name}`);
      expect(await page.locator('h1').count()).toBe(1);
      expect(await page.locator('[data-reveal]:visible').count()).toBe(0);
      expect(complaints).toEqual([]);
    });
  });
});

describe('visitor pages', () => {
  it('nothing moves when there is something to say', async () => {
    const { page, context } = await open('login-empty', { viewport: { width: 375, height: 800 } });
    const places = () =>
      page.evaluate<number[]>(
        "[...document.querySelectorAll('h1, input, button')].map((e) => e.getBoundingClientRect().top)",
      );
    const before = (await places()).filter((top) => top > 0);
    for (const name of ['login-problem', 'login-errors']) {
      await page.goto(`${base}/${name}`);
      expect((await places()).filter((top) => top > 0)).toEqual(before);
    }
    await context.close();
  });
});

async function focused(page: Page): Promise<string> {
  return page.evaluate("document.activeElement?.id || document.activeElement?.textContent.trim() || ''");
}

it('offers to end all other sessions before the list of them where it is long', async () => {
  const { page, context } = await open('sessions-many', { viewport: { width: 375, height: 800 } });
  const [button, second] = [page.getByRole('button', { name: 'End all 8' }), page.locator('.sessions li').nth(1)];
  expect((await button.boundingBox())?.y).toBeLessThan((await second.boundingBox())?.y ?? 0);
  await page.goto(`${base}/sessions-full`);
  const below = await page.getByRole('button', { name: 'End all 3' }).boundingBox();
  expect(below?.y).toBeGreaterThan((await page.locator('.sessions').first().boundingBox())?.y ?? 0);
  await context.close();
});

describe('by keyboard', () => {
  it('logs in: the fields in order, then the button', async () => {
    const { page, context } = await open('login-empty', {});
    const order = [await focused(page)];
    for (let step = 0; step < 4; step += 1) {
      await page.keyboard.press('Tab');
      order.push(await focused(page));
    }
    expect(order).toEqual(['email', 'password', 'Show password', '', 'Log in']);
    await context.close();
  });

  it('shows and hides the password, and the first wrong field has the focus', async () => {
    const { page, context } = await open('register-errors', {});
    expect(await focused(page)).toBe('email');
    await page.getByRole('button', { name: 'Show password' }).click();
    expect(await page.locator('#password').getAttribute('type')).toBe('text');
    await page.getByRole('button', { name: 'Hide password' }).click();
    expect(await page.locator('#password').getAttribute('type')).toBe('password');
    await context.close();
  });

  it('reaches the rows of the log past the filters, and the pages past the rows', async () => {
    const { page, context } = await open('audit-full', { viewport: { width: 1440, height: 800 } });
    const step = async () => {
      await page.keyboard.press('Tab');
      return focused(page);
    };
    expect(await step()).toBe('Skip to the content');
    await page.keyboard.press('Enter');
    expect(await step()).toBe('To the rows, past the filters');
    await page.keyboard.press('Enter');
    expect(await focused(page)).toBe('rows');
    expect(await step()).toBe('19:07:00');
    await page.keyboard.press('Shift+Tab');
    expect(await focused(page)).toBe('Past the rows');
    await page.keyboard.press('Enter');
    expect(await step()).toBe('Older');
    await context.close();
  });

  it('back through the rows of the log, what has the focus never lies under filters and column heads', async () => {
    const { page, context } = await open('audit-full', { viewport: { width: 1280, height: 420 } });
    await page.locator('[data-row] a:visible').last().focus();
    const covered: string[] = [];
    for (let step = 0; step < 60; step += 1) {
      await page.keyboard.press('Shift+Tab');
      const by = await page.evaluate<string | null>(`(() => {
        const focused = document.activeElement.closest('[data-row] a');
        const { x, y, height } = focused?.getBoundingClientRect() ?? {};
        return focused && document.elementFromPoint(x + 5, y + height / 2)?.closest('.filters, thead') && focused.textContent;
      })()`);
      if (by !== null) covered.push(by);
    }
    expect(covered).toEqual([]);
    await context.close();
  });

  it('moves through the audit log', async () => {
    const { page, context } = await open('audit-filtered', { viewport: { width: 1440, height: 500 } });
    await page.keyboard.press('j');
    await page.keyboard.press('j');
    await page.keyboard.press('k');
    expect(await page.evaluate('document.activeElement.id')).toBe('event-12408');
    await page.keyboard.press('/');
    expect(await focused(page)).toBe('person');
    await page.keyboard.type('j?');
    expect(await page.locator('#person').inputValue()).toBe('j?');
    await page.locator('h1').click();
    await page.keyboard.press('?');
    expect(await page.locator('dialog').isVisible()).toBe(true);
    await page.keyboard.press('Escape');
    await page.keyboard.press('j');
    await Promise.all([page.waitForURL('**/operator/audit/12408'), page.keyboard.press('Enter')]);
    await context.close();
  });
});

it.each([true, false])(
  'unfolds the filters of the log on a phone where they are asked for (JavaScript: %s)',
  async (scripts) => {
    const options = { viewport: { width: 375, height: 800 }, javaScriptEnabled: scripts };
    const { page, context } = await open('audit-full', options);
    const row = page.locator('[data-row]').first();
    const field = page.locator('#person');
    expect(await field.isVisible()).toBe(false);
    expect((await row.boundingBox())?.y).toBeLessThan(740);
    await page.getByRole('link', { name: 'Filter the events' }).click();
    expect(await field.isVisible()).toBe(true);
    if (scripts) expect(await axe(page, `${base}${AXE}`)).toEqual([]);
    await screenshot(page, `audit-375-unfolded-${scripts ? 'scripts' : 'plain'}`);
    await page.goto(`${base}/audit-filtered`);
    expect(await field.isVisible()).toBe(false);
    expect(await page.getByRole('link', { name: 'Change the filters' }).isVisible()).toBe(true);
    await page.goto(`${base}/audit-no-match`);
    expect(await field.isVisible()).toBe(true); // there is something to mend
    if (scripts) {
      await page.goto(`${base}/audit-filtered`);
      await page.keyboard.press('/');
      expect(await focused(page)).toBe('person');
    }
    await context.close();
  },
);

it('keeps filters and column heads of the log in sight', async () => {
  const { page, context } = await open('audit-full', { viewport: { width: 1440, height: 600 } });
  await page.mouse.wheel(0, 900);
  // asked from outside: a page that may not evaluate strings can't wait for one
  await until(() => page.evaluate<boolean>('scrollY > 500'));
  const tops = await page.evaluate<number[]>(
    "['.filters', '.events th'].map((name) => document.querySelector(name).getBoundingClientRect().top)",
  );
  expect(tops[0]).toBe(0);
  expect(tops[1]).toBeLessThan(160);
  expect(tops[1]).toBeGreaterThan(50);
  await screenshot(page, 'audit-scrolled');
  await context.close();
});

it.each([718, 1_047])(
  'prints the log with whole moments and numbers, and nothing that is pressed (%s px)',
  async (width) => {
    const { page, context } = await open('audit-filtered', { viewport: { width, height: 900 } });
    await page.emulateMedia({ media: 'print' });
    expect(await page.locator('button:visible, input:visible, select:visible').count()).toBe(0);
    const first = page.locator('[data-row]').first();
    expect(await first.locator('.c-seq').isVisible()).toBe(true);
    const time = first.locator('.c-time time');
    const iso = await time.getAttribute('datetime');
    const shown = "getComputedStyle(document.querySelector('[data-row] .c-time time'), '::after').content";
    expect(await page.evaluate<string>(shown)).toBe(`"${iso}"`);
    expect(await sideways(page)).toBe(0);
    await screenshot(page, `audit-printed-${width}`);
    await context.close();
  },
);

it('on a phone no number of the picture lies over its bars', async () => {
  const { page, context } = await open('audit-full', { viewport: { width: 375, height: 800 } });
  const over = await page.evaluate<string[]>(
    `[...document.querySelectorAll('.bars .over')].filter((label) => label.checkVisibility()).filter((label) => {
      const a = label.getBoundingClientRect();
      return [...document.querySelectorAll('.bars rect:not(.room)')].some((bar) => {
        const b = bar.getBoundingClientRect();
        return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom - 2;
      });
    }).map((label) => label.textContent)`,
  );
  expect(over).toEqual([]);
  expect(await page.locator('.bars .over:visible').count()).toBeGreaterThan(0);
  await context.close();
});

it('shows moments in the zone of the reader', async () => {
  const { page, context } = await open('profile', { timezoneId: 'Asia/Tokyo' });
  expect(await page.locator('time').first().getAttribute('title')).toContain('GMT+9');
  await context.close();
});

it('weighs less than 30 KB with all it needs', async () => {
  const html = await (await fetch(`${base}/login-empty`)).text();
  const urls = [...html.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map((match) => match[1]);
  const sizes = await Promise.all([...new Set(urls)].map(async (url) => sizeOf(`${base}${url}`)));
  const total = brotliCompressSync(html).length + sizes.reduce((sum, size) => sum + size, 0);
  expect(urls.length).toBeGreaterThan(2);
  expect(total).toBeLessThan(30 * 1024);
});

async function sizeOf(url: string): Promise<number> {
  const response = await fetch(url, { headers: { 'accept-encoding': 'br' } });
  expect(response.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
  expect(response.headers.get('content-encoding')).toBe('br');
  return Number(response.headers.get('content-length'));
}
