// `session`: who is logged in; one session from log-in to end; the end of one session, or of all, for when it can't be known which of them are still in the
// right hands; and what follows when PostgreSQL went back in time.
import { Command, InvalidArgumentError } from 'commander';
import { yesOption } from './terminal/ask.ts';
import { reasonOption } from './terminal/caller.ts';
import { jsonOption } from './terminal/list.ts';
import { parseAccount } from './user.ts';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export function sessionCommand(): Command {
  const command = new Command('session').description('Sessions');
  command
    .command('list')
    .description('List the live sessions of an account, the one used last first')
    .argument('<account>', 'e-mail address or id', parseAccount)
    .addOption(jsonOption())
    .action(async (email, options) => (await import('./sessions/list.ts')).list(email, options));
  command
    .command('show')
    .description('Show one session from log-in to end: where from, how proved, what was done in it, why it ended')
    .argument('<id>', 'id of the session, as session list prints it', parseId)
    .addOption(jsonOption())
    .action(async (id, options) => (await import('./sessions/show.ts')).show(id, options));
  command
    .command('end')
    .description('End one session; its browser is logged out at once')
    .argument('<id>', 'id of the session, as session list prints it', parseId)
    .addOption(reasonOption())
    .action(async (id, why) => (await import('./sessions/end.ts')).end(id, why));
  command
    .command('end-all')
    .description("End everybody's sessions, operators' included; all log in again")
    .addOption(reasonOption())
    .addOption(yesOption())
    .action(async (options) => (await import('./sessions/end.ts')).endAll(options));
  command
    .command('accept-loss')
    .description('Accept that PostgreSQL went back in time, as after a failover: ends again what Redis knows has ended')
    .addOption(reasonOption())
    .addOption(yesOption())
    .action(async (options) => (await import('./sessions/accept-loss.ts')).acceptLoss(options));
  return command;
}

function parseId(text: string): string {
  if (UUID.test(text)) return text.toLowerCase();
  throw new InvalidArgumentError('This is not the id of a session; "session list" prints them.');
}
