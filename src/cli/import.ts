// `import`: people of another system, with their passwords; and `people export`, the way out again. What each does is imported
// when it runs.
import { Argument, Command, Option } from 'commander';
import { yesOption } from './terminal/ask.ts';
import { reasonOption } from './terminal/caller.ts';
import { jsonOption } from './terminal/list.ts';

const FORMATS = ['keycloak', 'auth0', 'firebase', 'django', 'ldif'];

export function importCommand(): Command {
  const command = new Command('import')
    .description(
      'Take over the people of another system, with their passwords; run again, it goes on where it was stopped',
    )
    .addArgument(new Argument('[file]', 'a person a line as JSON, or what --from names; - reads standard input'))
    .addOption(new Option('--from <system>', 'what wrote the file').choices(FORMATS))
    .option('--dry-run', 'change nothing: count what would be done, and what is wrong', false)
    .option('--allow-weak', 'also take badly protected passwords, such as MD5; they are hashed once more', false)
    .option('--secrets <file>', 'JSON with what the passwords need: pepper, application_salt, hash_config')
    .option('--welcome', 'mail everybody that their account is here now', false)
    .option('--report <file>', 'where to write what is wrong, a line of JSON each; FILE.errors.ndjson unless given')
    .addOption(reasonOption())
    .addOption(jsonOption())
    .action(async (file, options) => (await import('./moving/import.ts')).importPeople(file, options));
  command
    .command('status')
    .description('Show how many people have not logged in since, by how their password was made')
    .addOption(jsonOption())
    .action(async (_, given) => (await import('./moving/status.ts')).status(given.optsWithGlobals()));
  return command;
}

export function peopleCommand(): Command {
  const command = new Command('people').description('Everybody who has an account');
  command
    .command('export')
    .description('Write every account as import reads it; the audit log records it')
    .option('--with-hashes', 'also the hashes of their passwords', false)
    .addOption(yesOption())
    .addOption(reasonOption())
    .action(async (options) => (await import('./moving/export.ts')).exportPeople(options));
  return command;
}
