// Operators' commands: `npm run cli -- <command>`. Finds a running `npm run up` by its up.json unless DATABASE_URL says
// where to go. Every command exits 0 when it did what it was asked, 1 when it did not, 2 when it was asked wrongly.
import { Command } from 'commander';
import { applicationsCommand } from './applications.ts';
import { auditCommand } from './audit/command.ts';
import { UsageError } from './caller.ts';
import { checkCommand } from './check.ts';
import { groupCommand } from './group.ts';
import { migrateCommand } from './migrate.ts';
import { printableLines } from './print.ts';
import { seedCommand } from './seed.ts';
import { sessionCommand } from './session.ts';
import { throttleCommand } from './throttle.ts';
import { userCommand } from './user.ts';

const program = new Command('holdfast')
  .description('Commands for the operators of Holdfast')
  .addCommand(checkCommand())
  .addCommand(migrateCommand())
  .addCommand(userCommand())
  .addCommand(groupCommand())
  .addCommand(applicationsCommand())
  .addCommand(auditCommand())
  .addCommand(sessionCommand())
  .addCommand(throttleCommand())
  .addCommand(seedCommand());

exitsWith2(program);

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`${printableLines(error instanceof Error ? error.message : String(error))}\n`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}

/** For wrong arguments; commander has printed what is wrong. */
function exitsWith2(command: Command): void {
  command.configureOutput({ writeErr: (text) => process.stderr.write(printableLines(text)) });
  command.exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2));
  for (const child of command.commands) exitsWith2(child);
}
