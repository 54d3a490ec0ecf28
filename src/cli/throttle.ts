// `throttle`: who is blocked, and the end of a block before its time.
import { Command, InvalidArgumentError } from 'commander';
import { withContext, withPool } from './connect.ts';
import { callerFor, reasonOption, type Why } from './terminal/caller.ts';
import { type AsJson, jsonOption, printList } from './terminal/list.ts';
import { say } from './terminal/output.ts';

const LIST_LIMIT = 1_000;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export function throttleCommand(): Command {
  const command = new Command('throttle').description('Blocks of the login throttle');
  command
    .command('list')
    .description('List the blocks that stand; with --all the past ones too')
    .option('--all', 'also those that have ended', false)
    .addOption(jsonOption())
    .action(list);
  command
    .command('lift')
    .description('End a block before its time; who reads the audit log sees the reason')
    .argument('<id>', 'id of the block, as throttle list prints it', parseId)
    .addOption(reasonOption())
    .action(lift);
  return command;
}

interface Row {
  readonly id: string;
  readonly scope: string;
  readonly account: string;
  readonly ip: string;
  readonly startedAt: Date;
  readonly untilAt: Date;
  readonly failures: number;
  readonly refused: number;
  readonly ended: string;
}

const COLUMNS = {
  id: 'id',
  scope: 'scope',
  account: 'account',
  ip: 'IP address',
  startedAt: 'from',
  untilAt: 'until',
  failures: 'failed',
  refused: 'refused',
  ended: 'ended',
};

async function list({ all, json }: AsJson & { all: boolean }): Promise<void> {
  const [{ createAccountLookup }, { listBlocks }] = await Promise.all([
    import('../core/accounts/account-lookup.ts'),
    import('../core/throttle/listed-blocks.ts'),
  ]);
  await withPool(async (pool) => {
    const found = await listBlocks(pool, LIST_LIMIT);
    const listed = found.filter(({ active }) => all || active);
    const ids = listed.flatMap(({ userId }) => userId ?? []);
    const emails = await createAccountLookup({ pool }).emails(ids);
    const rows = listed.map(({ userId, ip, active, endReason, ...block }) => ({
      ...block,
      account: userId === null ? '' : (emails.get(userId) ?? userId),
      ip: ip ?? '',
      ended: active ? '' : (endReason ?? 'expired'),
    }));
    printList<Row>(COLUMNS, { json, none: all ? 'Nobody was blocked lately.' : 'Nobody is blocked.' })(rows);
    if (listed.length === LIST_LIMIT) process.stderr.write(`Only the newest ${LIST_LIMIT} are shown.\n`);
  });
}

function parseId(text: string): string {
  if (UUID.test(text)) return text.toLowerCase();
  throw new InvalidArgumentError('This is not the id of a block; "throttle list" prints them.');
}

async function lift(id: string, why: Why): Promise<void> {
  const caller = await callerFor(why);
  await withContext(async ({ blocks }) => {
    if (!(await blocks.lift(id, caller))) {
      throw new Error('There is no such block, or it has ended already.');
    }
    say('The block was lifted.');
  });
}
