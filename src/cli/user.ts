// `user`: accounts, made and changed by an operator. What each command does is imported when it runs.
import { Argument, Command, InvalidArgumentError } from 'commander';
import { validate } from 'uuid';
import { readEmail } from '../core/platform/email-address.ts';
import { ROLES } from '../core/sessions/role.ts';
import { filtered } from './audit/command.ts';
import { yesOption } from './terminal/ask.ts';
import { reasonOption } from './terminal/caller.ts';
import { jsonOption } from './terminal/list.ts';

const changes = () => import('./users/change.ts');
const links = () => import('./users/links.ts');

export function userCommand(): Command {
  const command = new Command('user').description('Accounts');
  command
    .command('create')
    .description('Create an account; the password comes from a prompt or from standard input')
    .requiredOption('--email <address>', 'e-mail address', parseEmail)
    .option('--operator', 'make it an operator', false)
    .addOption(reasonOption())
    .action(async (options) => (await import('./users/create.ts')).create(options));
  command
    .command('list')
    .description('List the accounts')
    .addOption(jsonOption())
    .action(async (options) => (await import('./users/list.ts')).list(options));
  ofAccount(command, 'show', 'Show an account: its state, what protects it, and how many sessions and blocks it has')
    .addOption(jsonOption())
    .action(async (email, options) => (await import('./users/show.ts')).show(email, options));
  ofAccount(command, 'set-role', 'Change the role of an account; its sessions end')
    .addArgument(new Argument('<role>', 'member, auditor or operator').choices([...ROLES]))
    .addOption(reasonOption())
    .action(async (email, role, why) => (await changes()).setRole(email, role, why));
  ofAccount(command, 'disable', 'Disable an account; its sessions and API tokens end, and it can not log in')
    .addOption(reasonOption())
    .action(async (email, why) => (await changes()).setDisabled(email, true, why));
  ofAccount(command, 'enable', 'Enable a disabled account again')
    .addOption(reasonOption())
    .action(async (email, why) => (await changes()).setDisabled(email, false, why));
  ofAccount(command, 'forget-devices', 'Make every known browser of an account a stranger to it; no session ends')
    .addOption(reasonOption())
    .action(async (email, why) => (await changes()).forgetDevices(email, why));
  ofAccount(command, 'secure', 'Secure an account that somebody else may have got into: sessions, password, browsers')
    .option('--remove-factors', 'remove its second factors too', false)
    .addOption(reasonOption())
    .addOption(yesOption())
    .action(async (email, options) => (await import('./users/secure.ts')).secure(email, options));
  filtered(command.command('secure-log'))
    .description('Secure every account that was got into in a part of the log')
    .option('--named', 'also accounts that its events are only about, such as by failed log-ins', false)
    .option('--confirm <number>', 'how many accounts they are, where nobody can be asked')
    .addOption(reasonOption())
    .action(async (options) => (await import('./users/secure-many.ts')).secureLog(options));
  ofAccount(command, 'erase', 'Delete an account and erase what is personal in its records; the log still verifies')
    .addOption(reasonOption())
    .addOption(yesOption())
    .action(async (email, options) => (await changes()).erase(email, options));
  command
    .command('invite')
    .description('Invite somebody: mail a one-time link, or print it where no mail is possible')
    .argument('<email>', 'e-mail address', parseEmail)
    .option('--auditor', 'as an auditor, who reads the console and changes nothing', false)
    .option('--print', 'print the link instead of mailing it', false)
    .addOption(reasonOption())
    .action(async (email, options) => (await links()).invite(email, options));
  ofAccount(command, 'reset-link', 'Print a one-time link that lets the owner of an account choose a new password')
    .addOption(reasonOption())
    .action(async (email, why) => (await links()).resetLink(email, why));
  ofAccount(command, 'remove-factors', 'Remove the second factors of somebody who has lost them; their sessions end')
    .addOption(reasonOption())
    .addOption(yesOption())
    .action(async (email, options) => (await changes()).removeFactors(email, options));
  return command;
}

function ofAccount(above: Command, name: string, description: string): Command {
  return above.command(name).description(description).argument('<account>', 'e-mail address or id', parseAccount);
}

/** What names an account that is there: also for other commands. */
export function parseAccount(text: string): string {
  return validate(text) ? text.toLowerCase() : parseEmail(text);
}

function parseEmail(text: string): string {
  const email = readEmail(text);
  if (email === null) throw new InvalidArgumentError('This is not an e-mail address.');
  return email;
}
