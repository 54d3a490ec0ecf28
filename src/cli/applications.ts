// `applications`: what Holdfast stands in front of, kept by commands or by a file.
import { Command } from 'commander';
import type { ApplicationChangeResult } from '../core/applications/applications.ts';
import type { TypedSettings } from '../core/applications/typed-settings.ts';
import { recipeCommand } from './application-recipe.ts';
import { withContext } from './connect.ts';
import { applyFile } from './registry/apply.ts';
import { type Confirmed, confirm, yesOption } from './terminal/ask.ts';
import { callerFor, reasonOption, type Why } from './terminal/caller.ts';
import { UsageError } from './terminal/errors.ts';
import { type AsJson, jsonOption, printList } from './terminal/list.ts';
import { say, sayJson } from './terminal/output.ts';

export function applicationsCommand(): Command {
  const command = new Command('applications').description('Applications that Holdfast stands in front of');
  command.command('list').description('List the applications').addOption(jsonOption()).action(list);
  addCommand(command);
  command
    .command('apply')
    .description('Make groups and applications what a file says; shows the difference first')
    .argument('<file>', 'YAML; - is standard input')
    .option('--prune', 'also remove the groups and applications that the file does not name', false)
    .addOption(yesOption())
    .option('--json', 'answer with the changes as JSON', false)
    .addOption(reasonOption())
    .action(applyFile);
  command
    .command('remove')
    .description('Remove an application; its sessions end')
    .argument('<slug>', 'slug of the application')
    .addOption(yesOption())
    .addOption(reasonOption())
    .action(remove);
  command.addCommand(recipeCommand());
  return command;
}

const each = (one: string, before: readonly string[]) => [...before, one];

function addCommand(command: Command): void {
  command
    .command('add')
    .description('Register an application')
    .requiredOption('--slug <slug>', "its name in its proxy's settings: small letters, digits and -")
    .requiredOption('--name <name>', 'that people know it by')
    .requiredOption('--url <origin>', 'such as https://wiki.example.org')
    .option('--everybody', 'let everybody with an account in', false)
    .option('--enter <group>', 'let the members of this group in; may be repeated', each, [])
    .option('--second-factor', 'only with a second factor', false)
    .option('--recent-login <time>', 'how old the log-in may be, such as 15m', '')
    .option('--idle <time>', 'end a session that is unused for so long', '')
    .option('--absolute <time>', 'end a session after so long', '')
    .option('--preflight', 'let preflights of other origins through', false)
    .option('--framed-by <origin>', 'let this origin show it in a frame; may be repeated', each, [])
    .option('--remote-user', 'send Remote-User and its like too', false)
    .addOption(reasonOption())
    .action(add);
}

const COLUMNS = {
  slug: 'slug',
  name: 'name',
  url: 'origin',
  enter: 'who may enter',
  state: 'state',
  sessions: 'sessions',
};

async function list(how: AsJson): Promise<void> {
  const { inWords, settingsOf } = await import('../core/applications/application.ts');
  await withContext(async ({ applications, applicationSessions }) => {
    const [found, counts] = await Promise.all([applications.list(), applicationSessions.counts()]);
    const rows = found.map((application) => ({
      slug: application.slug,
      ...inWords(settingsOf(application)),
      enter: application.everybody ? 'everybody' : application.groups.map(({ name }) => name).sort(),
      framed_by: [...application.framedBy].sort(),
      state: application.disabledAt ? 'disabled' : 'active',
      sessions: counts.get(application.id) ?? 0,
      id: application.id,
    }));
    if (how.json) rows.forEach(sayJson);
    else printList(COLUMNS, { ...how, none: 'No application is registered yet.' })(rows);
  });
}

type Added = Why & Omit<TypedSettings, 'groups'> & { readonly slug: string; readonly enter: readonly string[] };

async function add({ slug, enter: groups, reason, ...settings }: Added): Promise<void> {
  if (settings.everybody === groups.length > 0)
    throw new UsageError('Say who may enter: --everybody, or --enter GROUP.');
  const caller = await callerFor(reason === undefined ? {} : { reason });
  await withContext(async ({ applications }) => {
    const result = await applications.register(slug, { ...settings, groups }, caller);
    if (!result.ok)
      throw result.reason === 'problems' ? new UsageError(problemsOf(result)) : new Error(problemsOf(result));
    say(`Registered ${slug} at ${result.application.url}.`);
  });
}

async function remove(slug: string, { yes, ...why }: Why & Confirmed): Promise<void> {
  const caller = await callerFor(why);
  await withContext(async ({ applications, applicationSessions }) => {
    const application = await applications.findBySlug(slug);
    if (!application) throw new Error(`There is no application ${slug}.`);
    const sessions = (await applicationSessions.counts()).get(application.id) ?? 0;
    await confirm({ yes }, `This removes ${slug} and ends its sessions (${sessions}).`, slug);
    const result = await applications.remove(application.id, caller);
    if (!result.ok) throw new Error(problemsOf(result));
    say(`Removed ${slug}.`);
  });
}

/** The command's name of a field that is called otherwise. */
const OPTIONS: Readonly<Record<string, string>> = {
  groups: '--enter',
  recentLogin: '--recent-login',
  framedBy: '--framed-by',
};

function problemsOf(result: Exclude<ApplicationChangeResult, { ok: true }>): string {
  if (result.reason !== 'problems') return 'The application was changed or removed meanwhile. Nothing was done.';
  const lines = Object.entries(result.problems).map(([field, says]) => `${OPTIONS[field] ?? `--${field}`}: ${says}`);
  return lines.join('\n');
}
