// `session`: the end of all sessions, for when it can't be known which of them are still in the right hands; and what follows
// when PostgreSQL went back in time.
import { createInterface } from 'node:readline/promises';
import { Command } from 'commander';
import { callerFor, reasonOption, type Why } from './caller.ts';
import { withContext } from './connect.ts';
import { startBar } from './progress.ts';

const WORD = 'everybody';

export function sessionCommand(): Command {
  const command = new Command('session').description('Sessions');
  command
    .command('end-all')
    .description("End everybody's sessions, operators' included; all log in again")
    .addOption(reasonOption())
    .option('--yes', `don't ask; without it the word "${WORD}" has to be typed`, false)
    .action(endAll);
  command
    .command('accept-loss')
    .description('Accept that PostgreSQL went back in time, as after a failover: ends again what Redis knows has ended')
    .addOption(reasonOption())
    .action(acceptLoss);
  return command;
}

async function acceptLoss(why: Why): Promise<void> {
  const { reason, origin } = await callerFor(why);
  await withContext(async ({ acceptRewind }) => {
    const ended = await acceptRewind(reason, origin);
    if (ended === null) throw new Error('Nothing says that PostgreSQL went back in time.');
    process.stdout.write(`Accepted. Ended ${ended} ${ended === 1 ? 'session' : 'sessions'} again.\n`);
  });
}

async function endAll({ yes, ...why }: Why & { yes: boolean }): Promise<void> {
  const caller = await callerFor(why);
  await withContext(async ({ endAllSessions, readOverview }) => {
    const count = (await readOverview()).sessions?.count ?? 0;
    if (!yes) await confirm(count);
    await endAllSessions.ask({ ...caller, kept: null });
    process.stderr.write('No session that began before now counts any more. Ending the records:\n');
    const bar = startBar('Ending', count, 'sessions');
    const ended = await endAllSessions.endRemaining({ onProgress: (done) => bar.update(done) });
    bar.stop();
    process.stdout.write(`Ended ${ended} ${ended === 1 ? 'session' : 'sessions'}.\n`);
  });
}

async function confirm(count: number): Promise<void> {
  if (process.stdin.isTTY !== true) throw new Error('Add --yes where nobody can be asked. Nothing was done.');
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const typed = await lines.question(`This logs everybody out (about ${count} sessions). Type "${WORD}" to go on: `);
    if (typed.trim() !== WORD) throw new Error('Nothing was done.');
  } finally {
    lines.close();
  }
}
