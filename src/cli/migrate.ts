// `migrate`: brings the database to the present schema and makes the processes' login roles.
import { Command } from 'commander';
import { commandEnvironment } from './connect.ts';

const WAITING = {
  table: 'A table is in use, as while a backup runs: the migration is tried again in 5 seconds.',
  turn: 'Another migration of this database is under way: waiting until it is done.',
};

export function migrateCommand(): Command {
  return new Command('migrate')
    .description(
      'Apply the migrations that are missing to DATABASE_URL (its role owns the schema), and make the login roles of WEB_DATABASE_URL and WORKER_DATABASE_URL where given',
    )
    .action(run);
}

async function run(): Promise<void> {
  const env = process.env['DATABASE_URL'] ? process.env : await commandEnvironment(process.env);
  const { grantLogin, migrate } = await import('../core/platform/migrations/migrate.ts');
  const ownerUrl = env['DATABASE_URL'] ?? '';
  const applied = await migrate(ownerUrl, { onWait: (what) => process.stderr.write(`${WAITING[what]}\n`) });
  if (env['WEB_DATABASE_URL']) await grantLogin(ownerUrl, env['WEB_DATABASE_URL'], 'holdfast_web');
  if (env['WORKER_DATABASE_URL']) await grantLogin(ownerUrl, env['WORKER_DATABASE_URL'], 'holdfast_worker');
  process.stdout.write(applied.length > 0 ? `Applied ${applied.join(', ')}.\n` : 'The schema is up to date.\n');
  process.exit(0); // the engine's module keeps a timer of its own
}
