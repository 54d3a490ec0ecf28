// A database for one test file: a clone of the migrated template, so that files can't disturb each other.
import { randomBytes } from 'node:crypto';
import { query } from '../../harness/query.ts';
import type { TestDatabase } from '../../harness/stores.ts';

/** What a small service gives. Superusers, as whom tests look, are not counted. */
const CONNECTIONS = 20;

/** Clones the template that the test run's set-up has migrated. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  const superuserUrl = given('TEST_POSTGRES_SUPERUSER_URL');
  await query(
    superuserUrl,
    `CREATE DATABASE ${name} TEMPLATE holdfast_template OWNER holdfast CONNECTION LIMIT ${CONNECTIONS}`,
  );
  await query(superuserUrl, settingsOf(name, new URL(superuserUrl).username));
  return {
    ownerUrl: inDatabase(given('TEST_POSTGRES_OWNER_URL'), name),
    webUrl: inDatabase(given('TEST_POSTGRES_WEB_URL'), name),
    workerUrl: inDatabase(given('TEST_POSTGRES_WORKER_URL'), name),
    superuserUrl: inDatabase(superuserUrl, name),
    drop: async () => {
      await query(superuserUrl, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    },
  };
}

/** What a database may set and Holdfast must not depend on: every test runs with it. Beside it, what tests look through. */
const AWKWARD: Readonly<Record<string, readonly [awkward: string, usual: string]>> = {
  timezone: ['America/New_York', 'UTC'],
  datestyle: ['German, DMY', 'ISO, MDY'],
  intervalstyle: ['sql_standard', 'postgres'],
  bytea_output: ['escape', 'hex'],
  extra_float_digits: ['0', '1'],
  standard_conforming_strings: ['off', 'on'],
  default_transaction_isolation: ['serializable', 'read committed'],
  search_path: ['elsewhere', 'public'],
};

function settingsOf(database: string, superuser: string): string {
  const statements = Object.entries(AWKWARD).map(
    ([name, [awkward, usual]]) => `
      ALTER DATABASE ${database} SET ${name} TO '${awkward}';
      ALTER ROLE "${superuser}" IN DATABASE ${database} SET ${name} TO '${usual}'`,
  );
  return statements.join(';');
}

function inDatabase(url: string, name: string): string {
  const changed = new URL(url);
  changed.pathname = `/${name}`;
  return changed.href;
}

function given(variable: string): string {
  const value = process.env[variable];
  if (!value) throw new Error(`${variable} is not set: run the tests with "npm test"`);
  return value;
}
