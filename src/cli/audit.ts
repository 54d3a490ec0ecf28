// `audit`: the log, proved.
import { SingleBar } from 'cli-progress';
import { Command } from 'commander';
import { withContext } from './connect.ts';

export function auditCommand(): Command {
  const command = new Command('audit').description('The audit log');
  command
    .command('verify')
    .description('Recompute the chain; name the first event that was altered, removed or inserted and exit 1')
    .action(verify);
  return command;
}

async function verify(): Promise<void> {
  await withContext(async ({ verification }) => {
    const bar = new SingleBar({
      format: 'Verifying {bar} {percentage}% | {value}/{total} events | {eta_formatted} left',
      hideCursor: true,
    });
    const shown = process.stderr.isTTY === true;
    if (shown) bar.start(1, 0);
    const result = await verification.verify((done, total) => {
      if (!shown) return;
      bar.setTotal(total);
      bar.update(done);
    });
    if (shown) bar.stop();
    if (result.intact) {
      process.stdout.write(`The log is intact: ${result.count} events, none altered, missing or inserted.\n`);
    } else {
      process.stdout.write(`The log is NOT intact: ${result.problem}.\n`);
      process.exitCode = 1;
    }
  });
}
