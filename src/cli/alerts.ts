// `alerts`: what is told without looking, and a test of it.
import { Command } from 'commander';
import { reasonOption } from './terminal/caller.ts';
import { jsonOption } from './terminal/list.ts';

export function alertsCommand(): Command {
  const command = new Command('alerts').description('What operators are told without looking');
  command
    .command('list')
    .description('List the alerts: whom each goes to, and its newest')
    .addOption(jsonOption())
    .action(async (options) => (await import('./alerting/alerts.ts')).listAlerts(options));
  command
    .command('test')
    .description('Send a test to whoever gets an alert, the way that it goes')
    .argument('<alert>', 'its name, as alerts list prints it')
    .addOption(reasonOption())
    .action(async (name, why) => (await import('./alerting/alerts.ts')).testAlert(name, why));
  return command;
}
