// `keys`: the keys that sign what applications are told, listed, and taken away after a leak.
import { Command } from 'commander';
import { withContext } from './connect.ts';
import { type Confirmed, confirm, yesOption } from './terminal/ask.ts';
import { callerFor, reasonOption, type Why } from './terminal/caller.ts';
import { type AsJson, jsonOption, printList } from './terminal/list.ts';
import { say } from './terminal/output.ts';

export function keysCommand(): Command {
  const command = new Command('keys').description('Keys that sign what applications are told');
  command.command('list').description('List the keys, the newest first').addOption(jsonOption()).action(list);
  command
    .command('revoke')
    .description('Take a key away: nothing that it signed is good any more')
    .argument('<key>', 'its id, or "all"')
    .addOption(yesOption())
    .addOption(reasonOption())
    .action(revoke);
  return command;
}

const COLUMNS = {
  kid: 'id',
  state: 'state',
  createdAt: 'made',
  currentSince: 'signs since',
  retiredAt: 'signed until',
};

const NO_KEY = 'There is no key yet.';

async function list(how: AsJson): Promise<void> {
  const show = printList(COLUMNS, { ...how, none: NO_KEY });
  await withContext(async ({ forwardAuth }) => show(await forwardAuth.keys.list()));
}

async function revoke(key: string, { yes, ...why }: Why & Confirmed): Promise<void> {
  const caller = await callerFor(why);
  await withContext(async ({ forwardAuth: { keys } }) => {
    const known = await keys.list();
    if (known.length === 0) throw new Error(NO_KEY);
    if (key !== 'all' && !known.some(({ kid }) => kid === key)) throw new Error(`There is no key ${key}.`);
    const what = key === 'all' ? 'every key' : 'this key';
    await confirm({ yes }, `Applications believe nothing more that ${what} has signed.`, key);
    const gone = await keys.revoke(key === 'all' ? key : { kid: key }, caller);
    if (gone.length === 0) throw new Error('It was gone already.');
    for (const kid of gone) say(`Took the key ${kid} away.`);
  });
}
