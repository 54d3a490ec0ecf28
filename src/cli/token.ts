// `token`: API tokens of auditors and operators.
import { Command, InvalidArgumentError } from 'commander';
import { withContext } from './connect.ts';
import { callerFor, reasonOption, type Why } from './terminal/caller.ts';
import { type AsJson, jsonOption, printList } from './terminal/list.ts';
import { say } from './terminal/output.ts';
import { parseAccount } from './user.ts';
import { noAccount } from './users/find.ts';

const MOST_DAYS = 366;
const MAX_NAME = 60;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export function tokenCommand(): Command {
  const command = new Command('token').description('API tokens, by which programs read the audit log');
  command
    .command('create')
    .description('Make a token for an auditor or an operator, and print it')
    .argument('<account>', 'e-mail address or id', parseAccount)
    .requiredOption('--name <name>', 'the program that has it', parseName)
    .option('--days <days>', 'how long it is good', parseDays, 90)
    .addOption(reasonOption())
    .action(create);
  command
    .command('list')
    .description('List the tokens that are good, with their last use')
    .addOption(jsonOption())
    .action(list);
  command
    .command('revoke')
    .description('End a token')
    .argument('<id>', 'id of the token, as token list prints it', parseId)
    .addOption(reasonOption())
    .action(revoke);
  return command;
}

function parseName(text: string): string {
  const name = text.trim();
  if (name !== '' && name.length <= MAX_NAME) return name;
  throw new InvalidArgumentError(`Expected a name of at most ${MAX_NAME} characters.`);
}

function parseDays(text: string): number {
  const days = Number(text);
  if (/^\d{1,3}$/.test(text) && days >= 1 && days <= MOST_DAYS) return days;
  throw new InvalidArgumentError(`Expected from 1 to ${MOST_DAYS} days.`);
}

function parseId(text: string): string {
  if (UUID.test(text)) return text.toLowerCase();
  throw new InvalidArgumentError('Expected the id of a token.');
}

interface New extends Why {
  readonly name: string;
  readonly days: number;
}

const PROBLEMS = {
  no_account: 'The account was deleted meanwhile.',
  session_ended: 'The session has ended.',
  not_an_auditor: 'Only auditors and operators have tokens.',
  too_many: 'This account has twenty tokens. Revoke one first.',
} as const;

async function create(who: string, { name, days, ...why }: New): Promise<void> {
  const by = await callerFor(why);
  await withContext(async ({ users, apiTokens, config, database }) => {
    const user = await users.findNamed(who);
    if (!user) throw noAccount(who);
    const from = { at: database.clock.now().toISOString(), device: 'the command line', ip: null };
    const told = { language: config.languages[0], from };
    const made = await apiTokens.create({ userId: user.id, name, days, by, told });
    if (!made.ok) throw new Error(PROBLEMS[made.reason]);
    process.stderr.write(`It is good for ${days} days, and not shown again. Whoever has it reads the log.\n`);
    say(made.secret);
  });
}

const COLUMNS = {
  id: 'id',
  email: 'reads for',
  name: 'name',
  createdAt: 'made',
  lastUsedAt: 'last used',
  expiresAt: 'good until',
};

async function list(how: AsJson): Promise<void> {
  await withContext(async ({ apiTokens }) => {
    const rows = (await apiTokens.list()).map(({ userId: _userId, scopes: _scopes, ...token }) => token);
    printList<(typeof rows)[number]>(COLUMNS, { ...how, none: 'No token is good.' })(rows);
  });
}

async function revoke(id: string, why: Why): Promise<void> {
  const by = await callerFor(why);
  await withContext(async ({ apiTokens }) => {
    if (!(await apiTokens.revoke({ id }, by))) throw new Error('There is no such token, or it has ended already.');
    say('The token has ended.');
  });
}
