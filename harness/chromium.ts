// A real Chromium for the tests: the one on the PATH, else the one that an npm package carries, unpacked once a user with
// the libraries and the font it needs. Hides where it comes from; its flags are ours, and web security stays on.
import { execFile } from 'node:child_process';
import {
  accessSync,
  constants,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import type { AxeResults } from 'axe-core';
import { type Browser, chromium, type Frame, type Page } from 'playwright-core';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];
const FLAGS = [
  '--headless=shell',
  '--no-sandbox',
  '--no-zygote',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-domain-reliability',
  '--disable-sync',
  '--no-first-run',
  '--no-default-browser-check',
  '--no-pings',
  '--font-render-hinting=none',
];

const nodeRequire = createRequire(import.meta.url);
const run = promisify(execFile);

interface Chromium {
  readonly executablePath: string;
  readonly env: Readonly<Record<string, string>>;
}

/** A violation as a person reads it: what, where and how bad. */
export interface Violation {
  readonly id: string;
  readonly impact: string;
  readonly help: string;
  readonly where: readonly string[];
}

/** Starts a browser; the caller closes it. It believes these certificates besides those of the world, by their fingerprints. */
export async function launchBrowser({ believes = [] as readonly string[] } = {}): Promise<Browser> {
  const { executablePath, env } = onPath() ?? (await unpacked());
  return chromium.launch({
    executablePath,
    args: believes.length > 0 ? [...FLAGS, `--ignore-certificate-errors-spki-list=${believes.join(',')}`] : FLAGS,
    ignoreDefaultArgs: ['--enable-automation'],
    env: { ...processEnv(), ...env },
  });
}

/**
 * What axe-core finds on the page. It comes from an address of the page's own site, or is evaluated there, which takes longer;
 * either way once for a document, and the page's CSP stays as it is.
 */
export async function axe(page: Page | Frame, url?: string): Promise<readonly Violation[]> {
  if (!(await page.evaluate<boolean>("'axe' in window"))) {
    if (url !== undefined) await page.addScriptTag({ url });
    else await page.evaluate(readFileSync(nodeRequire.resolve('axe-core/axe.min.js'), 'utf8'));
  }
  const { violations } = await page.evaluate<AxeResults>(
    // Off by default: axe has it for WCAG 2.2 alone.
    'axe.run(document, { resultTypes: ["violations"], rules: { "target-size": { enabled: true } } })',
  );
  return violations.map(({ id, impact, help, nodes }) => ({
    id,
    impact: impact ?? 'unknown',
    help,
    where: nodes.map((node) => node.target.join(' ')),
  }));
}

/** Writes `name`.png into the directory that SCREENSHOTS names, for people to look at; without it, nothing. */
export async function screenshot(page: Page, name: string): Promise<void> {
  const directory = process.env['SCREENSHOTS'];
  if (directory === undefined || directory === '') return;
  mkdirSync(directory, { recursive: true });
  await page.screenshot({ path: join(directory, `${name.replaceAll('/', '-')}.png`), fullPage: true });
}

function onPath(): Chromium | null {
  const directories = (process.env['PATH'] ?? '').split(delimiter);
  const executablePath = NAMES.flatMap((name) => directories.map((directory) => join(directory, name))).find(
    isExecutable,
  );
  return executablePath === undefined ? null : { executablePath, env: {} };
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function unpacked(): Promise<Chromium> {
  const home = join(tmpdir(), `holdfast-chromium-${packagedVersion()}-${process.getuid?.() ?? 'user'}`);
  if (!isOurs(home)) await unpackInto(home);
  const libraries = [join(home, 'al2023', 'lib'), process.env['LD_LIBRARY_PATH']].filter(Boolean).join(delimiter);
  return {
    executablePath: join(home, 'chromium'),
    env: { LD_LIBRARY_PATH: libraries, FONTCONFIG_FILE: join(home, 'fonts.conf') },
  };
}

// From the file: the package exports only its code.
function packagedVersion(): string {
  const main = nodeRequire.resolve('@sparticuz/chromium');
  const { version }: { version: string } = JSON.parse(readFileSync(join(main, '../../../package.json'), 'utf8'));
  return version;
}

// The directory has a known name in a place where anybody may write: another user's is never run.
function isOurs(directory: string): boolean {
  const found = lstatSync(directory, { throwIfNoEntry: false });
  if (found === undefined) return false;
  if (found.isDirectory() && (process.getuid === undefined || found.uid === process.getuid())) return true;
  throw new Error(`${directory} belongs to somebody else. Remove it, or set TMPDIR to a directory of your own.`);
}

// Several test files may unpack at once: each does it aside, the first to finish gives the directory its name. In a
// process of its own, because the package goes by TMPDIR and unpacks its libraries only where it believes itself on AWS.
async function unpackInto(home: string): Promise<void> {
  const aside = mkdtempSync(`${home}-`);
  try {
    await run(process.execPath, ['--input-type=module', '--eval', UNPACK], {
      cwd: import.meta.dirname,
      env: { ...processEnv(), TMPDIR: aside, AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs20.x' },
    });
    writeFileSync(join(aside, 'fonts.conf'), fontsConf(home));
    renameSync(aside, home);
  } catch (error) {
    rmSync(aside, { recursive: true, force: true });
    if (!isOurs(home)) throw new Error('Chromium could not be unpacked. Put a chromium on the PATH.', { cause: error });
  }
}

const UNPACK = "const { default: chromium } = await import('@sparticuz/chromium'); await chromium.executablePath();";

// The system's fonts if there are any; the packaged one where a page asks for the system's own or there is none.
function fontsConf(home: string): string {
  const prefer = ['system-ui', 'sans-serif'].map(
    (family) => `<alias binding="strong"><family>${family}</family><prefer><family>Open Sans</family></prefer></alias>`,
  );
  return `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>${join(home, 'fonts')}</dir>
  <cachedir>${join(home, 'fonts-cache')}</cachedir>
  <include ignore_missing="yes">/etc/fonts/fonts.conf</include>
  ${prefer.join('\n  ')}
</fontconfig>
`;
}

function processEnv(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
