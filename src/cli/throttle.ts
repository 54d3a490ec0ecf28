// `throttle`: who is blocked, and the end of a block before its time.
import { Command } from 'commander';
import { callerFor, reasonOption, type Why } from './caller.ts';
import { withContext } from './connect.ts';
import { printTable } from './print.ts';

const LIST_LIMIT = 1_000;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export function throttleCommand(): Command {
  const command = new Command('throttle').description('Blocks of the login throttle');
  command
    .command('list')
    .description('List the blocks that stand; with --all the past ones too')
    .option('--all', 'also those that have ended', false)
    .action(list);
  command
    .command('lift')
    .description('End a block before its time; who reads the audit log sees the reason')
    .argument('<id>', 'id of the block')
    .addOption(reasonOption())
    .action(lift);
  return command;
}

async function list({ all }: { all: boolean }): Promise<void> {
  await withContext(async ({ blocks, users }) => {
    const listed = (await blocks.list(LIST_LIMIT)).filter(({ active }) => all || active);
    const emails = await users.emails(listed.flatMap(({ userId }) => (userId === null ? [] : [userId])));
    printTable(
      ['id', 'scope', 'account', 'address', 'from', 'until', 'failed', 'refused', 'ended'],
      listed.map((block) => [
        block.id,
        block.scope,
        block.userId === null ? '' : (emails.get(block.userId) ?? block.userId),
        block.ip ?? '',
        block.startedAt.toISOString(),
        block.untilAt.toISOString(),
        String(block.failures),
        String(block.refused),
        block.active ? '' : (block.endReason ?? 'expired'),
      ]),
    );
  });
}

async function lift(id: string, why: Why): Promise<void> {
  if (!UUID.test(id)) throw new Error(`${id} is not the id of a block; "throttle list" shows them.`);
  const caller = await callerFor(why);
  await withContext(async ({ blocks, sessionCache }) => {
    while (!sessionCache.health().redis) await new Promise((resolve) => setTimeout(resolve, 50));
    if (!(await blocks.lift(id, caller))) {
      throw new Error('There is no such block, or it has ended already.');
    }
    process.stdout.write('The block was lifted.\n');
  });
}
