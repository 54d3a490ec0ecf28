// `audit`: the log, proved, exported, followed.
import { Command, InvalidArgumentError, Option } from 'commander';
import { AUDIT_EVENTS } from '../../core/audit/events.ts';
import { yesOption } from '../terminal/ask.ts';
import { reasonOption } from '../terminal/caller.ts';
import { jsonOption } from '../terminal/list.ts';
import { drainsCommand } from './drains-command.ts';

export function auditCommand(): Command {
  const command = new Command('audit').description('The audit log');
  command
    .command('verify')
    .description(
      'Recompute the chain, of the log or of an export; name the first event that was altered, removed or inserted and exit 1',
    )
    .option('--from <seq>', 'number of the first event', parseSeq)
    .option('--to <seq>', 'number of the last event', parseSeq)
    .option(
      '--checkpoint <file>',
      'checkpoints that were kept elsewhere, a line of JSON each; may be repeated',
      gather,
      [],
    )
    .option('--public-key <key or file>', 'whose checkpoints to believe; may be repeated', gather, [])
    .option('--file <export>', 'an NDJSON export instead of the log: needs no database; - is standard input')
    .option('--filtered', 'an export without a manifest was filtered: events may be left out', false)
    .option('--proof <file>', 'a proof of one event, as audit prove writes it: needs no database')
    .option('--witness <key>', 'a verifier key that must have signed it too, NAME+ID+KEY; may be repeated', gather, [])
    .addOption(jsonOption())
    .action(async (options) => (await import('./verify.ts')).verify(options));
  filtered(command.command('export').description('Write the log, or what a filter lets through, oldest first'))
    .addOption(new Option('--format <format>', 'how').choices(['ndjson', 'csv']).default('ndjson'))
    .option('--output <file>', 'where to; without it, standard output')
    .addOption(reasonOption())
    .action(async (options) => (await import('./export.ts')).exportTo(options));
  filtered(command.command('tail').description('Print the newest events; with -f go on as they are sealed'))
    .option('-n, --lines <n>', 'how many', parseSeq, 20)
    .option('-f, --follow', 'until it is stopped', false)
    .addOption(jsonOption())
    .action(async (options) => (await import('./tail.ts')).tail(options));
  command
    .command('prove')
    .description('Write a small file that proves one event to somebody who has neither the log nor an account')
    .argument('<seq>', 'number of the event', parseSeq)
    .option('--output <file>', 'where to; without it, standard output')
    .option('--bare', 'without IP address and browser', false)
    .addOption(reasonOption())
    .action(async (seq, options) => (await import('./prove.ts')).prove(seq, options));
  command
    .command('checkpoints')
    .description('Print the checkpoints in the database, a line of JSON each')
    .option('--note', 'the newest one as a signed note (C2SP tlog-checkpoint), with the lines of its witnesses')
    .option('--consistency <seq...>', 'that the tree of the second number begins with that of the first, for a witness')
    .option('--cosign <file>', 'keep what a witness has signed: a cosigned checkpoint, or lines for the newest one')
    .option(
      '--witness <key>',
      'with --cosign: the verifier key of the witness, NAME+ID+KEY; may be repeated',
      gather,
      [],
    )
    .addOption(new Option('--verifier-key', 'the key of the log itself, as witnesses want it'))
    .action(async (options) => (await import('./checkpoints.ts')).checkpoints(options));
  command
    .command('accept-loss')
    .description(
      'Accept that the log lost events or was rewritten, as after a restored backup: signs it as it is, so that the worker goes on. Needs AUDIT_SIGNING_KEY',
    )
    .option(
      '--checkpoint <file>',
      'checkpoints that were kept elsewhere, a line of JSON each; may be repeated',
      gather,
      [],
    )
    .addOption(reasonOption())
    .addOption(yesOption())
    .action(async (options) => (await import('./accept-loss.ts')).acceptLoss(options));
  command
    .command('public-key')
    .description('Print the public keys of the checkpoints, as --public-key takes them')
    .action(async () => (await import('./checkpoints.ts')).printPublicKeys());
  command.addCommand(drainsCommand(parseSeq));
  return command;
}

/** The options of a filter of the log. */
export function filtered(command: Command): Command {
  return command
    .option('--type <type>', 'type of event; may be repeated', gatherType, [])
    .option('--not-type <type>', 'type of event that is left out; may be repeated', gatherType, [])
    .addOption(new Option('--outcome <outcome>', 'outcome').choices(['success', 'failure']))
    .option('--person <id or e-mail address>', 'what they did, or what was done to them')
    .option('--actor <id or e-mail address>', 'what they did')
    .option('--session <id>', 'of one session')
    .option('--request <id>', 'of one request')
    .option('--address <IP address or network>', 'an IP address, or a network such as 192.0.2.0/24')
    .option('--since <time>', 'occurred at or after this time, such as 2026-11-24 or 2026-11-24T13:00Z', parseTime)
    .option('--until <time>', 'occurred before this time', parseTime)
    .option('--text <text>', 'stands in the detail', parseText)
    .option('--unusual', 'log-ins that were unusual for their person');
}

function gather(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

const TYPES: ReadonlySet<string> = new Set(Object.values(AUDIT_EVENTS).flatMap((group) => Object.keys(group)));

/** With a wrong type the log would look empty. */
function gatherType(value: string, before: readonly string[]): readonly string[] {
  if (TYPES.has(value)) return [...before, value];
  const near = [...TYPES].filter((type) => value.length > 2 && type.includes(value.toLowerCase())).slice(0, 5);
  const hint = near.length > 0 ? `such as ${near.join(', ')}` : 'see docs/audit-events.md';
  throw new InvalidArgumentError(`There is no such type of event; ${hint}.`);
}

function parseText(text: string): string {
  if (text.trim() !== '') return text;
  throw new InvalidArgumentError('Expected a text to look for.');
}

function parseSeq(text: string): number {
  const seq = Number(text);
  if (/^\d{1,15}$/.test(text) && seq >= 1) return seq;
  throw new InvalidArgumentError('Expected a whole number from 1 on.');
}

const TIME = /^(\d{4})-(\d\d)-(\d\d)(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?<zone>Z|[+-]\d\d:?\d\d)?)?$/i;

/** A time without an offset is UTC, as in the log. */
function parseTime(text: string): Date {
  const match = TIME.exec(text);
  const isDay = text.length === 10;
  const time = new Date(isDay || match?.groups?.['zone'] ? text : `${text}Z`);
  const [year, month, day] = (match ?? []).slice(1, 4).map(Number);
  // `new Date` takes 31 February for 3 March.
  const exists = day === new Date(Date.UTC(year ?? 0, (month ?? 0) - 1, day)).getUTCDate();
  if (match && exists && Number(year) >= 1 && !Number.isNaN(time.getTime())) return time;
  throw new InvalidArgumentError('Expected a time such as 2026-11-24 or 2026-11-24T13:00Z.');
}
