// The configuration: what a bare environment gives, and every problem said at once before anything starts.
import { describe, expect, test } from '@jest/globals';
import { ConfigError, readConfig } from '../../src/core/config.ts';

const STORES = { NODE_ENV: 'development', DATABASE_URL: 'postgresql://db/holdfast', REDIS_URL: 'redis://cache' };
const KEY = 'k'.repeat(32);
const PRODUCTION = {
  ...STORES,
  NODE_ENV: 'production',
  PUBLIC_URL: 'https://login.example.org',
  SESSION_KEYS: KEY,
  SECRETS_KEYS: KEY,
};

function problemsOf(env: Record<string, string>, options?: { signs: boolean }): readonly string[] {
  try {
    readConfig(env, options);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

const variables = (problems: readonly string[]) => problems.map((problem) => problem.split(':')[0]);

describe('what is left out', () => {
  test('has the defaults that docs/settings.md names', () => {
    const config = readConfig(STORES);
    expect(config).toMatchObject({
      ...{
        production: false,
        host: '127.0.0.1',
        port: 3_000,
        publicOrigin: 'http://localhost:3000',
        secureCookies: false,
      },
      ...{ databasePoolSize: 10, serviceName: 'Holdfast', trustedProxies: [], passwordHashConcurrency: 1 },
      ...{ attemptRetentionMs: 90 * 86_400_000, logLevel: 'info', shutdownTimeoutMs: 10_000 },
    });
    expect(config.session).toEqual({
      standard: { idleTimeoutMs: 86_400_000, absoluteLifetimeMs: 7 * 86_400_000 },
      remembered: { idleTimeoutMs: 30 * 86_400_000, absoluteLifetimeMs: 180 * 86_400_000 },
      operator: { idleTimeoutMs: 12 * 3_600_000, absoluteLifetimeMs: 7 * 86_400_000 },
      mostOfAccount: 100,
    });
    expect(Object.isFrozen(config)).toBe(true);
  });

  test('is what an empty value is, too', () => {
    expect(readConfig({ ...STORES, PORT: '', SESSION_IDLE: '', TRUSTED_PROXIES: '', PUBLIC_URL: '' })).toEqual(
      readConfig(STORES),
    );
  });

  test('follows the port into the address', () => {
    expect(readConfig({ ...STORES, PORT: '8080' }).publicOrigin).toBe('http://localhost:8080');
    expect(readConfig({ ...PRODUCTION, PUBLIC_URL: 'https://Login.Example.org:443/' })).toMatchObject({
      publicOrigin: 'https://login.example.org',
      secureCookies: true,
    });
  });
});

describe('what is wrong', () => {
  test('is listed all at once, a line a variable, and never with a secret', () => {
    const env = {
      NODE_ENV: 'prod',
      PORT: '70000',
      PUBLIC_URL: 'login.example.org',
      DATABASE_URL: 'mysql://user:hunter2@db/holdfast',
      DATABASE_POOL: 'many',
      REDIS_URL: 'localhost:6379',
      SESSION_IDLE: '1 day',
      SERVICE_NAME: 'x'.repeat(61),
      SERVICE_CONTACT: 'javascript:alert(1)',
      TRUSTED_PROXIES: '10.0.0.0/8, nonsense, 10.0.0.0/99',
      PASSWORD_HASH_CONCURRENCY: '0',
      LOG_LEVEL: 'loud',
      SHUTDOWN_TIMEOUT_MS: '99',
    };
    const problems = problemsOf(env);
    expect(new Set(variables(problems))).toEqual(new Set(Object.keys(env)));
    expect(problems.filter((problem) => problem.startsWith('TRUSTED_PROXIES')).join()).toMatch(
      /nonsense.*10\.0\.0\.0\/99/,
    );
    expect(problems.join()).not.toContain('hunter2');
    expect(() => readConfig(env)).toThrow(/can't be used:\n {2}- NODE_ENV: .*\n {2}- PORT: /);
  });

  test('is also what is missing', () => {
    expect(variables(problemsOf({ NODE_ENV: 'development' }))).toEqual(['DATABASE_URL', 'REDIS_URL']);
    expect(variables(problemsOf({ ...STORES, DATABASE_URL: '' }))).toEqual(['DATABASE_URL']);
  });

  test.each(['0', '-1', '65536', '3000.5', '0x', 'NaN', '1e9'])('a port of %s', (PORT) => {
    expect(variables(problemsOf({ ...STORES, PORT }))).toEqual(PORT === '0' ? [] : ['PORT']);
  });
});

describe('a duration', () => {
  test.each([
    ['500ms', 500],
    ['90s', 90_000],
    ['45m', 2_700_000],
    ['12h', 43_200_000],
    ['30d', 2_592_000_000],
    [' 3650d ', 315_360_000_000],
  ])('%s', (SESSION_IDLE, milliseconds) => {
    expect(readConfig({ ...STORES, SESSION_IDLE }).session.standard.idleTimeoutMs).toBe(milliseconds);
  });

  test.each(['0', '0s', '10', '1.5h', '-1d', '1w', 'd', '1d2h', '1 d', '3651d', '99999999999999d', 'Infinity'])(
    '%s is none',
    (SESSION_ABSOLUTE) => {
      expect(problemsOf({ ...STORES, SESSION_ABSOLUTE })).toEqual([
        expect.stringMatching(/^SESSION_ABSOLUTE: .*such as 30d/),
      ]);
    },
  );
});

test('a word of a short list is refused with the list', () => {
  expect(problemsOf({ ...STORES, SECOND_FACTOR: 'no', LOG_LEVEL: 'loud' })).toEqual([
    'SECOND_FACTOR: expected nobody, operators or everybody',
    'LOG_LEVEL: expected fatal, error, warn, info, debug, trace or silent',
  ]);
});

describe('trusted proxies', () => {
  test('are addresses and ranges, of both kinds', () => {
    const { trustedProxies } = readConfig({ ...STORES, TRUSTED_PROXIES: '10.0.0.1, 172.16.0.0/12,, fd00::/8 ,::1' });
    expect(trustedProxies.map(([address, bits]) => `${address}/${bits}`)).toEqual([
      ...['10.0.0.1/32', '172.16.0.0/12', 'fd00::/8', '::1/128'],
    ]);
  });

  test('in the clothes of IPv6 are the IPv4 ones that they stand for', () => {
    const TRUSTED_PROXIES = '::ffff:127.0.0.1, ::FFFF:10.0.0.0/104, ::ffff:0:0/96, ::/0';
    const { trustedProxies } = readConfig({ ...STORES, TRUSTED_PROXIES });
    expect(trustedProxies.map(([address, bits]) => `${address}/${bits}`)).toEqual([
      ...['127.0.0.1/32', '10.0.0.0/8', '0.0.0.0/0', '::/0'],
    ]);
  });

  test.each([
    ...[
      '10.0.0.0/33',
      '10.0.0.0/',
      '/8',
      'fd00::/129',
      'proxy.example.org',
      '*',
      '10.0.0.0/-1',
      'localhost',
      'loopback',
    ],
    ...['10/8', '127.1', '0x7f.0.0.1', '010.0.0.1', '2130706433', 'fe80::1%eth0', '::ffff:10.0.0.0/95', '10.0.0.1:80'],
    ...['[::1]', '10.0.0.0/8/8', '10.0.0.0/255.0.0.0'],
  ])('%s is none', (one) => {
    expect(variables(problemsOf({ ...STORES, TRUSTED_PROXIES: one }))).toEqual(['TRUSTED_PROXIES']);
  });
});

describe('in production', () => {
  test('a whole configuration is taken, with several keys', () => {
    expect(problemsOf(PRODUCTION)).toEqual([]);
    expect(readConfig({ ...PRODUCTION, SESSION_KEYS: `${KEY}1 , ${KEY}2` }).sessionKeys).toEqual([
      `${KEY}1`,
      `${KEY}2`,
    ]);
  });

  test.each([
    ['missing', ''],
    ['short', 'k'.repeat(31)],
    ['good, but the old one is short', `${KEY},short`],
    ['nothing but spaces', ' '.repeat(40)],
    ['one whose half is empty', `${KEY},`],
  ])('the keys may not be %s', (_, keys) => {
    for (const name of ['SESSION_KEYS', 'SECRETS_KEYS']) {
      const problems = problemsOf({ ...PRODUCTION, [name]: keys });
      expect(variables(problems)).toEqual([name]);
      expect(problems.join()).toContain('at least 32');
      expect(problems.join()).not.toContain(KEY);
    }
  });

  test('the address must be given, and is asked for together with everything else', () => {
    expect(variables(problemsOf({ NODE_ENV: 'production' }))).toEqual([
      ...['DATABASE_URL', 'REDIS_URL', 'SESSION_KEYS', 'SECRETS_KEYS', 'PUBLIC_URL'],
    ]);
  });

  test('says which secrets a process was given and does not need', () => {
    const everything = {
      ...PRODUCTION,
      AUDIT_SIGNING_KEY: 'ab'.repeat(32),
      SMTP_URL: 'smtps://me:secret@mail.example.org',
    };
    expect(readConfig(everything).needless).toEqual(['AUDIT_SIGNING_KEY', 'the password in SMTP_URL']);
    expect(readConfig(everything, { signs: false }).needless).toEqual(['SESSION_KEYS', 'SECRETS_KEYS']);
    const secret = { IMPORT_VERIFY_URL: 'https://old.example.org', IMPORT_VERIFY_SECRET: 's'.repeat(32) };
    expect(readConfig({ ...STORES, ...secret }, { signs: false }).needless).toEqual(['IMPORT_VERIFY_SECRET']);
    expect(readConfig({ ...PRODUCTION, ...secret }).needless).toEqual([]);
    expect(readConfig({ ...PRODUCTION, SMTP_URL: 'smtp://worker' }).needless).toEqual([]);
    expect(readConfig({ ...STORES, AUDIT_SIGNING_KEY: 'ab'.repeat(32) }, { signs: false }).needless).toEqual([]);
  });

  test('a process that signs nothing needs no key', () => {
    expect(problemsOf({ ...STORES, NODE_ENV: 'production' }, { signs: false })).toEqual([]);
  });

  test('only there: development has a key of its own', () => {
    expect(readConfig(STORES).sessionKeys).toHaveLength(1);
    expect(readConfig({ ...STORES, SESSION_KEYS: 'short' }).sessionKeys).toEqual(['short']);
  });
});

describe('without NODE_ENV', () => {
  const { NODE_ENV: _, ...bare } = STORES;
  const HERE = [
    'http://localhost:3000',
    'http://127.0.0.1:3000',
    'http://127.8.9.1',
    'http://[::1]:80',
    'http://a.localhost',
  ];
  const ELSEWHERE = [
    'http://192.168.1.7:3000',
    'https://login.example.org',
    'http://localhost.example.org',
    'http://0.0.0.0',
  ];

  test('it is production, with all that production asks for', () => {
    expect(variables(problemsOf(bare))).toEqual(['SESSION_KEYS', 'SECRETS_KEYS', 'PUBLIC_URL']);
    expect(readConfig({ ...PRODUCTION, NODE_ENV: '' }).production).toBe(true);
  });

  test.each(HERE)('it is development at %s', (PUBLIC_URL) => {
    const config = readConfig({ ...bare, PUBLIC_URL });
    expect(config).toMatchObject({ production: false, mail: { shown: true, possible: true } });
  });

  test.each(ELSEWHERE)('it is production at %s', (PUBLIC_URL) => {
    expect(variables(problemsOf({ ...bare, PUBLIC_URL }))).toEqual(['SESSION_KEYS', 'SECRETS_KEYS']);
    const config = readConfig({ ...PRODUCTION, NODE_ENV: '', PUBLIC_URL });
    expect(config).toMatchObject({ production: true, mail: { shown: false, possible: false } });
  });
});

describe('whatever NODE_ENV says', () => {
  const PUBLIC_URL = 'http://login.example.org';

  test.each(['development', 'test'])('%s has no known key and shows no mail where others come', (NODE_ENV) => {
    const names = ['SESSION_KEYS', 'SECRETS_KEYS'];
    expect(variables(problemsOf({ ...STORES, NODE_ENV, PUBLIC_URL }))).toEqual(names);
    expect(variables(problemsOf({ ...PRODUCTION, NODE_ENV, SESSION_KEYS: 'development-only-key' }))).toEqual([
      names[0],
    ]);
    expect(readConfig({ ...PRODUCTION, NODE_ENV }).mail).toMatchObject({ shown: false, possible: false });
  });

  test('a process that signs nothing has no key that anybody knows', () => {
    const keysOf = (env: Record<string, string>) => readConfig({ ...STORES, ...env }, { signs: false });
    for (const env of [{ NODE_ENV: 'production' }, { NODE_ENV: '' }, { PUBLIC_URL }]) {
      const [one, other] = [keysOf(env), keysOf(env)];
      expect(one.sessionKeys).not.toEqual(other.sessionKeys);
      expect(one.secretsKeys).not.toEqual(other.secretsKeys);
    }
  });
});

describe('a URL of which a part would be dropped is refused', () => {
  test.each([
    ['PUBLIC_URL', 'https://login.example.org/auth'],
    ['PUBLIC_URL', 'https://login.example.org/?next=x'],
    ['PUBLIC_URL', 'https://login.example.org/#here'],
    ['PUBLIC_URL', 'https://user@login.example.org'],
    ['PUBLIC_URL', 'https://:secret@login.example.org'],
    ['REDIS_URL', 'redis://127.0.0.1/zero'],
    ['REDIS_URL', 'redis://127.0.0.1/0/1'],
    ['REDIS_URL', 'redis://127.0.0.1/0#x'],
    ['REDIS_URL', 'redis://127.0.0.1/0?maxRetriesPerRequest=5'],
    ['REDIS_URL', 'redis://127.0.0.1/0?family=5'],
    ['SMTP_URL', 'smtp://mail.example.org/path'],
    ['SMTP_URL', 'smtp://mail.example.org#x'],
    ['SMTP_URL', 'smtp://mail.example.org?requireTls=false'],
    ['SMTP_URL', 'smtp://mail.example.org?requireTLS=no'],
    ['SMTP_URL', 'smtp://mail.example.org?constructor=x'],
    ['SMTP_URL', 'smtp://mail.example.org?requireTLS=false&requireTLS=true'],
    ['BREACHED_PASSWORDS_URL', 'https://user:secret@api.example.org/range/'],
    ['BREACHED_PASSWORDS_URL', 'https://api.example.org/range/#x'],
  ])('%s=%s', (name, value) => {
    const problems = problemsOf({ ...PRODUCTION, [name]: value });
    expect(new Set(variables(problems))).toEqual(new Set([name]));
    expect(problems.join()).not.toContain('secret');
  });

  test.each([
    ['PUBLIC_URL', 'https://login.example.org'],
    ['PUBLIC_URL', 'https://login.example.org:8443/'],
    ['REDIS_URL', 'redis://:pass@127.0.0.1:6380'],
    ['REDIS_URL', 'rediss://user:pass@redis.example.org/2?family=6'],
    ['SMTP_URL', 'smtp://user:pass@mail.example.org:587/?requireTLS=true'],
  ])('%s=%s is taken', (name, value) => {
    expect(problemsOf({ ...PRODUCTION, [name]: value })).toEqual([]);
  });
});

test('a breach service is asked over TLS, or on the same machine', () => {
  const asked = (url: string) => variables(problemsOf({ ...PRODUCTION, BREACHED_PASSWORDS_URL: url }));
  expect(readConfig(STORES).breachedPasswordsUrl).toBeNull();
  for (const url of ['https://api.example.org/range/', 'http://127.0.0.1:8080', 'http://[::1]/range'])
    expect(asked(url)).toEqual([]);
  for (const url of ['http://api.example.org/range/', 'ftp://127.0.0.1', 'api.example.org'])
    expect(asked(url)).toEqual(['BREACHED_PASSWORDS_URL']);
});

test('the old system is asked over TLS or on the same machine, in development too, and with a secret', () => {
  const secret = 's'.repeat(32);
  expect(readConfig(STORES).oldSystem).toBeNull();
  const asked = (url: string, key = secret, env = STORES) =>
    problemsOf({ ...env, IMPORT_VERIFY_URL: url, IMPORT_VERIFY_SECRET: key });
  for (const env of [STORES, PRODUCTION]) {
    for (const url of ['https://old.example.org/ask?from=here', 'http://127.0.0.1:8080', 'http://[::1]/ask'])
      expect(asked(url, secret, env)).toEqual([]);
    for (const url of [
      'http://old.example.org',
      'https://a:hunter2@old.example.org',
      'https://a.org/#x',
      'a.org',
      'ftp://a.org',
    ]) {
      const problems = asked(url, secret, env);
      expect(new Set(variables(problems))).toEqual(new Set(['IMPORT_VERIFY_URL']));
      expect(problems.join()).not.toContain('hunter2');
    }
  }
  expect(variables(asked('https://old.example.org', ''))).toEqual(['IMPORT_VERIFY_SECRET']);
  expect(variables(asked('', secret))).toEqual(['IMPORT_VERIFY_URL']);
  for (const weak of ['short', `two words ${secret}`, `${secret}\n${secret}`]) {
    const problems = asked('https://old.example.org', weak);
    expect(variables(problems)).toEqual(['IMPORT_VERIFY_SECRET']);
    expect(problems.join()).not.toContain(weak);
  }
});

describe('the cost of a hash', () => {
  const costOf = (memory: string, passes: string) => ({
    PASSWORD_HASH_MEMORY_KIB: memory,
    PASSWORD_HASH_PASSES: passes,
  });

  test.each([
    ['19456', '2'],
    ['12288', '3'],
    ['7168', '5'],
    ['47104', '1'],
    ['65536', '3'],
  ])('of %s KiB and %s passes is enough in production', (memory, passes) => {
    expect(problemsOf({ ...PRODUCTION, ...costOf(memory, passes) })).toEqual([]);
  });

  test.each([
    ['19455', '2'],
    ['19456', '1'],
    ['7167', '50'],
    ['47103', '1'],
  ])('of %s KiB and %s passes is refused in production, also where no cookie is signed', (memory, passes) => {
    for (const signs of [true, false]) {
      expect(problemsOf({ ...PRODUCTION, ...costOf(memory, passes) }, { signs }).join()).toContain(
        'PASSWORD_HASH_MEMORY_KIB',
      );
    }
    expect(problemsOf({ ...STORES, ...costOf(memory, passes) })).toEqual([]);
  });
});
