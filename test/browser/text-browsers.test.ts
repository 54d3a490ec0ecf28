// The pages in browsers that draw text and run no script: they show whatever is in a page, so nothing is in it that only a
// script makes work.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';
import { findServer } from '../../harness/programs.ts';
import { Browser, newEmail } from '../support/app.ts';
import { world } from '../support/world.ts';

const run = promisify(execFile);

const BROWSERS = {
  lynx: (url: string) => ['-cfg=/dev/null', '-dump', '-nolist', '-display_charset=utf-8', '-assume_charset=utf-8', url],
  w3m: (url: string) => ['-dump', '-cols', '100', '-O', 'UTF-8', url],
} as const;

const { web } = await world();

async function draw(name: keyof typeof BROWSERS, path: string): Promise<string> {
  const { file, env } = await findServer(name);
  const options = {
    env: { PATH: process.env['PATH'], HOME: '/nonexistent', LYNX_CFG: '/dev/null', TERM: 'dumb', ...env },
  };
  return (await run(file, BROWSERS[name](`${web.url}${path}`), options)).stdout;
}

test.each(['lynx', 'w3m'] as const)(
  '%s draws what can be done, and no button that does nothing',
  async (name) => {
    const login = await draw(name, '/login');
    for (const words of ['E-mail address', 'Password', 'Keep me logged in', 'Passkeys need JavaScript'])
      expect(login).toContain(words);
    expect(login).not.toContain('Log in with a passkey');
    expect(login).not.toMatch(/\bShow\b/);
    const register = await draw(name, '/register');
    expect(register).toContain('Create the account');
    expect(register).not.toMatch(/\bShow\b/);
  },
  180_000,
);

test('with a script the same pages have them', async () => {
  const browser = new Browser(web.url);
  await browser.register(newEmail());
  const { text } = await browser.get('/account/password');
  expect(text).toMatch(/<script type="text\/html" data-scripted><button class="reveal"/);
});
