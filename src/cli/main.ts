// Operators' commands: `npm run cli -- <command>`. Finds a running `npm run up` by its up.json unless DATABASE_URL says
// where to go. Every command exits 0 when it did what it was asked, 1 when it did not, 2 when it was asked wrongly.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Command, Help, type Option } from 'commander';
import { projectRoot } from '../core/platform/project-root.ts';
import { alertsCommand } from './alerts.ts';
import { applicationsCommand } from './applications.ts';
import { auditCommand } from './audit/command.ts';
import { checkCommand } from './check.ts';
import { groupCommand } from './group.ts';
import { importCommand, peopleCommand } from './import.ts';
import { keysCommand } from './keys.ts';
import { migrateCommand } from './migrate.ts';
import { seedCommand } from './seed.ts';
import { sessionCommand } from './session.ts';
import { sentenceOf, UsageError } from './terminal/errors.ts';
import { watchOutput } from './terminal/output.ts';
import { printableLines } from './terminal/print.ts';
import { watchSignals } from './terminal/stopping.ts';
import { throttleCommand } from './throttle.ts';
import { tokenCommand } from './token.ts';
import { userCommand } from './user.ts';

const program = new Command('holdfast')
  .description('Commands for the operators of Holdfast')
  .version(versionOfPackage())
  .addCommand(checkCommand())
  .addCommand(migrateCommand())
  .addCommand(userCommand())
  .addCommand(groupCommand())
  .addCommand(applicationsCommand())
  .addCommand(keysCommand())
  .addCommand(importCommand())
  .addCommand(peopleCommand())
  .addCommand(auditCommand())
  .addCommand(alertsCommand())
  .addCommand(sessionCommand())
  .addCommand(throttleCommand())
  .addCommand(tokenCommand())
  .addCommand(seedCommand());

let failed = false;
watchOutput((error) => void fail(error));
watchSignals();
setUp(program);
for (const event of ['uncaughtException', 'unhandledRejection'] as const)
  process.on(event, (error) => void fail(error).finally(() => process.exit()));

try {
  await program.parseAsync();
} catch (error) {
  await fail(error);
}

/** One sentence, or a list of them; of what follows from it nothing. */
async function fail(error: unknown): Promise<void> {
  if (failed) return;
  failed = true;
  process.exitCode = error instanceof UsageError ? 2 : 1;
  process.stderr.write(`${printableLines(await sentenceOf(error))}\n`);
}

/** Wrong arguments exit with 2: commander has printed what is wrong. */
function setUp(command: Command): void {
  command.configureOutput({ writeErr: (text) => process.stderr.write(printableLines(text)) });
  command.configureHelp({ optionDescription });
  command.exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2));
  for (const child of command.commands) setUp(child);
}

/** Without a default that says nothing; what must be given says so. */
function optionDescription(option: Option): string {
  const usual = new Help().optionDescription(option).replace(/ \(default: (?:\[\]|""|false)\)$/, '');
  return option.mandatory ? `${usual} (required)` : usual;
}

function versionOfPackage(): string {
  const text = readFileSync(path.join(projectRoot, 'package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
