// The demo of `npm run up`: its page shows what it is told, escaped; what is in its way is said before anything starts.
import { describe, expect, test } from '@jest/globals';
import { demoProblem, trustingDemo } from '../../src/launcher/demo/asked.ts';
import { onThisMachine } from '../../src/launcher/demo/nginx.ts';
import { pageOf } from '../../src/launcher/demo/page.ts';
import { findServer } from '../../src/launcher/servers/find-server.ts';
import { readLauncherSettings } from '../../src/launcher/settings.ts';
import { summaryOf } from '../../src/launcher/summary.ts';

const problemOf = (env: Record<string, string>) => demoProblem(readLauncherSettings(env).settings, env);

test('the page shows what it is told, escaped, and where to log out', () => {
  const page = pageOf({ holdfastemail: `"<o'hara>"@example.org`, holdfastuser: 'an-id', holdfastgroups: 'a,b&c' });
  expect(page).toContain('&quot;&lt;o&#39;hara&gt;&quot;@example.org');
  expect(page).toContain('an-id');
  expect(page).toContain('a,b&amp;c');
  expect(page).not.toContain('<o');
  expect(page).toContain('href="/.holdfast/logout"');
});

test('what it is not told is empty', () => {
  expect(pageOf({ holdfastemail: '' }).match(/<i>empty<\/i>/g)).toHaveLength(3);
});

describe('TRUSTED_PROXIES', () => {
  test.each([
    [{}, '127.0.0.1,::1'],
    [{ HOST: '0.0.0.0' }, '127.0.0.1,::1'],
    [{ HOST: '::' }, '127.0.0.1,::1'],
    [{ HOST: '192.0.2.7' }, '127.0.0.1,::1,192.0.2.7'],
  ])('with %j and none given, are those from where its nginx asks', (env, proxies) => {
    const { host } = readLauncherSettings(env).settings;
    expect(trustingDemo({ A: 'b' }, host)).toEqual({ A: 'b', TRUSTED_PROXIES: proxies });
  });

  test('that are given stay', () => {
    expect(trustingDemo({ TRUSTED_PROXIES: '127.0.0.0/8' }, '127.0.0.1')).toEqual({ TRUSTED_PROXIES: '127.0.0.0/8' });
  });

  test.each([
    ['127.0.0.1', {}],
    ['10.0.0.0/8, 127.0.0.0/8', {}],
    ['::ffff:127.0.0.0/104', {}],
    ['0.0.0.0/0', {}],
    ['::1', { HOST: '::' }],
    ['192.0.2.0/24', { HOST: '192.0.2.7' }],
  ])('%s let it answer (%j)', (proxies, env) => {
    expect(problemOf({ TRUSTED_PROXIES: proxies, ...env })).toBeUndefined();
  });

  test.each([
    ['10.0.0.0/8', {}, '127.0.0.1'],
    ['::1', {}, '127.0.0.1'],
    ['127.0.0.1', { HOST: '192.0.2.7' }, '192.0.2.7'],
  ])('%s are said not to (%j)', (proxies, env, missing) => {
    expect(problemOf({ TRUSTED_PROXIES: proxies, ...env })).toContain(`--demo needs ${missing} in TRUSTED_PROXIES`);
  });
});

test.each([
  ['http://localhost:3000', false],
  ['http://127.0.0.1:3000', false],
  ['http://[::1]:3000', false],
  ['http://login.localhost', false],
  ['https://localhost', true],
  ['http://login.example.org', true],
  ['http://127.0.0.1.example.org', true],
  ['http://demo.localhost:3000', true],
])('PUBLIC_URL %s is in its way: %p', (url, isProblem) => {
  expect(problemOf({ PUBLIC_URL: url }) !== undefined).toBe(isProblem);
});

test('its nginx listens for this machine alone', () => {
  expect(onThisMachine('server {\n    listen 3080;\n}\n')).toBe('server {\n    listen 127.0.0.1:3080;\n}\n');
  expect(() => onThisMachine('server {}')).toThrow('no line that says where it listens');
});

test('where there is no server and none can be fetched, a sentence says what to do', async () => {
  const how = { name: 'nginx', programs: ['nginx'], packages: ['nginx'], asked: '-v', size: '3 MB', install: [] };
  const finding = findServer(
    { ...how, otherwise: 'or do without' },
    { serversDir: '/nowhere', searchPath: '/nowhere' },
  );
  await expect(finding).rejects.toThrow(
    'nginx is needed and not on the PATH. Install nginx with the package manager of this system, or do without',
  );
});

test('the summary names it only where it is', () => {
  const steps = { hasOperator: true, showsMail: false, maySeed: false };
  const summary = { url: 'http://localhost:3000', dataDir: '/data', givenDataDir: undefined, steps };
  expect(summaryOf(summary)).not.toContain('application');
  const demoUrl = 'http://demo.localhost:3080';
  expect(summaryOf({ ...summary, demoUrl })).toContain(`An application behind Holdfast: ${demoUrl}, `);
});
