// `audit drains`: its commands.
import { Command } from 'commander';
import { reasonOption } from '../terminal/caller.ts';
import { jsonOption } from '../terminal/list.ts';

/** `seq` reads the number of an event. */
export function drainsCommand(seq: (text: string) => number): Command {
  const command = new Command('drains').description('Receivers that the log is sent to');
  const act = (name: string, description: string) =>
    command.command(name).description(description).argument('<name>', 'its name, as audit drains list prints it');
  command
    .command('list')
    .description('List them: how far each is, and its newest error')
    .addOption(jsonOption())
    .action(async (options) => (await import('./drains.ts')).listDrains(options));
  act('pause', 'Send nothing until it is resumed')
    .addOption(reasonOption())
    .action(async (name, why) => (await import('./drains.ts')).pauseDrain(name, why));
  act('resume', 'Go on after a pause')
    .addOption(reasonOption())
    .action(async (name, why) => (await import('./drains.ts')).resumeDrain(name, why));
  act('rewind', 'Send everything again from an event on')
    .argument('<seq>', 'number of the first event', seq)
    .addOption(reasonOption())
    .action(async (name, from, why) => (await import('./drains.ts')).rewindDrain(name, from, why));
  act('forget', 'Take one off the list that no worker has in its file; for the owner of the database')
    .addOption(reasonOption())
    .action(async (name, why) => (await import('./drains.ts')).forgetDrain(name, why));
  return command;
}
