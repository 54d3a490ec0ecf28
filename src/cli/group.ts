// `group`: groups of accounts, made, filled, emptied and removed by an operator.
import { Command } from 'commander';
import type { Context } from '../core/context.ts';
import type { GroupChangeResult, ListedGroup } from '../core/groups/groups.ts';
import { withContext } from './connect.ts';
import { type Confirmed, confirm, yesOption } from './terminal/ask.ts';
import { callerFor, reasonOption, type Why } from './terminal/caller.ts';
import { UsageError } from './terminal/errors.ts';
import { type AsJson, jsonOption, printList } from './terminal/list.ts';
import { say } from './terminal/output.ts';
import { counted, printable } from './terminal/print.ts';
import { parseAccount } from './user.ts';
import { noAccount } from './users/find.ts';

export function groupCommand(): Command {
  const command = new Command('group').description('Groups of accounts, by which applications let people in');
  command.command('list').description('List the groups').addOption(jsonOption()).action(list);
  command
    .command('create')
    .description('Create a group')
    .argument('<name>', 'letters, digits, - and _')
    .addOption(reasonOption())
    .action(create);
  command
    .command('remove')
    .description('Remove a group; sessions at applications that it alone allowed end')
    .argument('<name>', 'name of the group')
    .addOption(yesOption())
    .addOption(reasonOption())
    .action(remove);
  command
    .command('add')
    .description('Add somebody to a group')
    .argument('<name>', 'name of the group')
    .argument('<account>', 'e-mail address or id', parseAccount)
    .addOption(reasonOption())
    .action(add);
  command
    .command('leave')
    .description('Take somebody out of a group; their sessions at applications that it alone allowed end')
    .argument('<name>', 'name of the group')
    .argument('<account>', 'e-mail address or id', parseAccount)
    .addOption(reasonOption())
    .action(leave);
  return command;
}

const COLUMNS = { name: 'name', members: 'members', applications: 'opens', createdAt: 'since', id: 'id' };

async function list(how: AsJson): Promise<void> {
  await withContext(async ({ groups }) => {
    printList(COLUMNS, { ...how, none: 'There is no group yet.' })(await groups.list());
  });
}

async function create(name: string, why: Why): Promise<void> {
  const caller = await callerFor(why);
  await withContext(async ({ groups }) => {
    const result = await groups.create(name, caller);
    if (result.ok) return say(`Created the group ${result.group.name}.`);
    if (result.reason !== 'bad_name') throw new Error(`There is a group of the name ${name} already.`);
    throw new UsageError((await import('../core/groups/group-name.ts')).GROUP_NAME_RULE);
  });
}

async function remove(name: string, { yes, ...why }: Why & Confirmed): Promise<void> {
  const caller = await callerFor(why);
  await withContext(async (context) => {
    const group = await findGroup(context, name);
    const opens = group.applications.length === 0 ? '' : ` of ${group.applications.join(', ')}`;
    await confirm({ yes }, `This takes the way${opens} from its ${counted(group.members, 'member')}.`, group.name);
    if (!(await context.groups.remove(group.id, caller))) throw new Error(`There is no group ${name} any more.`);
    say(`Removed the group ${group.name}.`);
  });
}

async function add(name: string, account: string, why: Why): Promise<void> {
  await change(name, account, why, {
    run: ({ groups }, group, userId, caller) => groups.add(group.id, userId, caller),
    done: 'is in',
    already: 'is in',
  });
}

async function leave(name: string, account: string, why: Why): Promise<void> {
  await change(name, account, why, {
    run: ({ groups }, group, userId, caller) => groups.leave(group.id, userId, caller),
    done: 'is no longer in',
    already: 'is not in',
  });
}

interface Membership {
  readonly run: (
    context: Context,
    group: ListedGroup,
    userId: string,
    caller: Awaited<ReturnType<typeof callerFor>>,
  ) => Promise<GroupChangeResult>;
  readonly done: string;
  readonly already: string;
}

async function change(name: string, account: string, why: Why, { run, done, already }: Membership): Promise<void> {
  const caller = await callerFor(why);
  await withContext(async (context) => {
    const group = await findGroup(context, name);
    const user = await context.users.findNamed(account);
    if (!user) throw noAccount(account);
    const result = await run(context, group, user.id, caller);
    const who = printable(user.email);
    if (result.ok) say(`${who} ${done} ${group.name}.`);
    else if (result.reason === 'unchanged') say(`${who} ${already} ${group.name} already; nothing was changed.`);
    else throw new Error(PROBLEMS[result.reason]);
  });
}

const PROBLEMS = {
  no_group: 'The group was removed meanwhile.',
  no_account: 'The account was deleted meanwhile.',
  too_many: 'They are in as many groups as somebody can be.',
};

async function findGroup({ groups }: Context, name: string): Promise<ListedGroup> {
  const group = await groups.findByName(name);
  if (!group) throw new Error(`There is no group ${name}.`);
  return group;
}
