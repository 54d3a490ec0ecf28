// `migrate`: brings the database to the present schema and makes the processes' login roles.
import { Command } from 'commander';
import { readSecretFiles, type SecretsRead } from '../secret-files.ts';
import { commandEnvironment } from './connect.ts';
import { say } from './terminal/output.ts';

const WAITING = {
  table: 'A table is in use, as while a backup runs: the migration is tried again in 5 seconds.',
  turn: 'Another migration of this database is under way: waiting until it is done.',
};

const BEHIND_A_POOLER =
  'Behind a pooler in transaction mode the login roles need settings that the role in DATABASE_URL may not give them. Where there is one, let an administrator of PostgreSQL run:';

export function migrateCommand(): Command {
  return new Command('migrate')
    .description(
      'Apply the migrations that are missing to DATABASE_URL (its role owns the schema), and make the login roles of WEB_DATABASE_URL and WORKER_DATABASE_URL where given',
    )
    .action(run);
}

/** Of a running `up`, unless it says itself which database. */
async function migrationEnvironment({ env, problems }: SecretsRead): Promise<SecretsRead['env']> {
  if (problems.length > 0) throw new Error(problems.join('\n'));
  return env['DATABASE_URL'] ? env : commandEnvironment(env);
}

async function run(): Promise<void> {
  const env = await migrationEnvironment(readSecretFiles(process.env));
  const [{ migrate }, { grantLogin, loginRolesOf, needRoles }] = await Promise.all([
    import('../core/platform/migrations/migrate.ts'),
    import('../core/platform/migrations/login-roles.ts'),
  ]);
  const ownerUrl = env['DATABASE_URL'] ?? '';
  const roles = loginRolesOf(env);
  await needRoles(ownerUrl, roles);
  const applied = await migrate(ownerUrl, { onWait: (what) => process.stderr.write(`${WAITING[what]}\n`) });
  const left: string[] = [];
  for (const role of roles) left.push(...(await grantLogin(ownerUrl, role)));
  if (left.length > 0) process.stderr.write(`${[BEHIND_A_POOLER, ...left].join('\n  ')}\n`);
  say(applied.length > 0 ? `Applied ${applied.join(', ')}.` : 'The schema is up to date.');
  process.exit(0); // the engine's module keeps a timer of its own
}
