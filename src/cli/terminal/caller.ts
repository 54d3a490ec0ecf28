// Who gives a command, and why. Every event that the command leaves says it: the system's user and host, and the reason.
import { hostname, userInfo } from 'node:os';
import { Option } from 'commander';
import { NO_ORIGIN, type Origin } from '../../core/audit/events.ts';
import { askLine, isTerminal } from './ask.ts';
import { UsageError } from './errors.ts';

const MAX_REASON = 300;

export interface Caller {
  readonly actor: null;
  readonly origin: Origin;
  readonly reason: string;
}

export interface Why {
  readonly reason?: string;
}

export function reasonOption(): Option {
  return new Option('--reason <text>', 'why; it is recorded, and asked for on a terminal');
}

/** The reason that was given, or is typed now. Without a terminal it must be given, unless `needed` is false. */
export async function callerFor({ reason: given }: Why, { needed = true } = {}): Promise<Caller> {
  const reason = (given ?? (await askWhy())).trim();
  if (reason === '' && (needed || given !== undefined)) throw new UsageError('Say why with --reason: it is recorded.');
  if (reason.length > MAX_REASON) throw new UsageError(`The reason may have at most ${MAX_REASON} characters.`);
  const command = { user: systemUser(), host: hostname(), reason };
  return { actor: null, origin: { ...NO_ORIGIN, command }, reason };
}

async function askWhy(): Promise<string> {
  return isTerminal() ? askLine('Why (it is recorded): ') : '';
}

/** With sudo also whom it says that it works for. A container's user may have no name. */
function systemUser(): string {
  const sudo = process.env['SUDO_USER'];
  const own = nameOrNumber();
  return sudo ? `${own} for ${sudo}` : own;
}

function nameOrNumber(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}
