// Secrets from files: what is in the file counts, and a file that gives none stops the start with one sentence.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { ConfigError, readConfig } from '../../src/core/config.ts';
import { environmentsFor } from '../../src/launcher/environments.ts';
import { readLauncherSettings } from '../../src/launcher/settings.ts';
import { readSecretFiles, SECRET_SETTINGS } from '../../src/secret-files.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'holdfast-secrets-'));
afterAll(() => rmSync(folder, { recursive: true }));

let files = 0;
function fileWith(text: string): string {
  files += 1;
  const file = path.join(folder, String(files));
  writeFileSync(file, text);
  return file;
}

const KEY = 'k'.repeat(40);
const ENV = {
  PUBLIC_URL: 'https://login.example.org',
  DATABASE_URL_FILE: fileWith('postgres://web:hunter2@db/holdfast\n'),
  REDIS_URL_FILE: fileWith('redis://:hunter2@cache/0'),
  SESSION_KEYS_FILE: fileWith(`${KEY}new,${KEY}old\r\n`),
  SECRETS_KEYS_FILE: fileWith(KEY),
  SMTP_URL_FILE: fileWith('smtps://login:hunter2@mail.example.org\n'),
  AUDIT_SIGNING_KEY_FILE: fileWith('a'.repeat(64)),
};

function problemsOf(env: Record<string, string>): readonly string[] {
  try {
    readConfig(env);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

describe('a secret in a file', () => {
  test('counts as if it were given', () => {
    const config = readConfig(ENV);
    expect(config).toMatchObject({
      production: true,
      databaseUrl: 'postgres://web:hunter2@db/holdfast',
      redis: { url: 'redis://:hunter2@cache/0' },
      sessionKeys: [`${KEY}new`, `${KEY}old`],
      secretsKeys: [KEY],
      mail: { smtpUrl: 'smtps://login:hunter2@mail.example.org' },
    });
    expect(config.audit.signingKey).not.toBeNull();
  });

  test.each(SECRET_SETTINGS)('%s_FILE gives %s, and its own name goes no further', (name) => {
    const { env, problems } = readSecretFiles({ OTHER: 'x', [`${name}_FILE`]: fileWith(' two words \n') });
    expect([env, problems]).toEqual([{ OTHER: 'x', [name]: ' two words ' }, []]);
  });

  test('and beside it is refused', () => {
    expect(problemsOf({ ...ENV, SESSION_KEYS: KEY })).toEqual([
      expect.stringMatching(/^SESSION_KEYS_FILE: .*one of the two/),
    ]);
  });

  test.each([
    ['is not there', path.join(folder, 'nothing'), 'ENOENT'],
    ['is a folder', folder, 'EISDIR'],
    ['is empty', fileWith('\n'), 'is empty'],
  ])('that %s is said in one sentence', (_, file, why) => {
    const problems = problemsOf({ ...ENV, SESSION_KEYS_FILE: file, DATABASE_URL_FILE: file });
    expect(problems).toEqual([
      expect.stringMatching(new RegExp(`^DATABASE_URL_FILE: ${file} .*${why}`)),
      expect.stringMatching(new RegExp(`^SESSION_KEYS_FILE: ${file} .*${why}`)),
    ]);
  });

  test('that is wrong is not printed', () => {
    const problems = problemsOf({ ...ENV, DATABASE_URL_FILE: fileWith('mysql://root:hunter2@db/x') });
    expect(problems).toEqual([expect.stringMatching(/^DATABASE_URL: /)]);
    expect(problems.join()).not.toContain('hunter2');
  });
});

test('`npm run up` gives each process the secrets of files themselves', () => {
  const env = { ...ENV, DATA_DIR: folder };
  const { settings } = readLauncherSettings(env);
  const addresses = { port: 3_000, ownerUrl: settings.databaseUrl ?? '', redisUrl: settings.redisUrl ?? '' };
  const { web, worker, migrate } = environmentsFor(settings, addresses, env);
  expect(web).toMatchObject({
    SESSION_KEYS: `${KEY}new,${KEY}old`,
    SMTP_URL: 'smtps://mail.example.org',
  });
  expect(worker).toMatchObject({ SMTP_URL: 'smtps://login:hunter2@mail.example.org' });
  expect(worker).toMatchObject({ AUDIT_SIGNING_KEY: 'a'.repeat(64), REDIS_URL: 'redis://:hunter2@cache/0' });
  for (const one of [web, worker, migrate])
    expect(Object.keys(one).filter((name) => /KEYS?_FILE|URL_FILE/.test(name))).toEqual([]);
  const both = readLauncherSettings({ ...env, REDIS_URL: 'redis://x' });
  expect(both.problems).toEqual([expect.stringMatching(/^REDIS_URL_FILE: .*one of the two/)]);
});
