// `user secure-log`: takes back every account that a part of the log is about.
import type { Which } from '../../core/audit/reading/accounts-of.ts';
import { type FilterOptions, readFilter } from '../audit/filter.ts';
import { withContext } from '../connect.ts';
import { askLine, isTerminal } from '../terminal/ask.ts';
import { callerFor, type Why } from '../terminal/caller.ts';
import { UsageError } from '../terminal/errors.ts';
import { say } from '../terminal/output.ts';
import { counted, printable } from '../terminal/print.ts';
import { withBar } from '../terminal/progress.ts';
import { leavingBehind } from '../terminal/stopping.ts';

interface Options extends FilterOptions, Why {
  readonly named: boolean;
  readonly confirm?: string;
}

const SHOWN = 10;

const TOO_MANY = {
  too_many_events: 'More than 100,000 events match.',
  too_many_accounts: 'More than 5,000 accounts match, which is more than one order takes.',
  too_slow: 'This took too long to find.',
} as const;

/** Without a terminal `--confirm` must name how many accounts there are: what was counted is what is done. */
export async function secureLog({ named, confirm, ...options }: Options): Promise<void> {
  const by = await callerFor(options);
  const which: Which = named ? 'named' : 'entered';
  await withContext(async ({ users, secureMany }) => {
    const filter = await readFilter(options, users);
    if (Object.values(filter).every((part) => part === null))
      throw new UsageError('Say which events: with no filter, these would be all accounts.');
    const found = await secureMany.find(filter, which, null);
    if (!found.ok) throw new Error(`${TOO_MANY[found.reason]} Narrow the filter. Nothing was done.`);
    const { accounts } = found;
    if (accounts.length === 0) return say('No account is there to be secured.');
    const names = accounts
      .slice(0, SHOWN)
      .map(({ email, operator }) => `${printable(email)}${operator ? ' (operator)' : ''}`);
    const more = accounts.length > SHOWN ? `\n  and ${accounts.length - SHOWN} more` : '';
    process.stderr.write(`${counted(accounts.length, 'account')}:\n  ${names.join('\n  ')}${more}\n`);
    await confirmNumber(accounts.length, confirm);
    const orderId = await secureMany.ask({ accounts, filter, by });
    await leavingBehind('Stopped. The worker secures the others.', () =>
      withBar({ doing: 'Securing', total: accounts.length, unit: 'accounts' }, (onProgress) =>
        secureMany.secureRemaining({ orderId, onProgress: (secured) => onProgress(secured) }),
      ),
    );
    const done = await secureMany.progress(orderId);
    say(`Secured ${done?.secured ?? 0} of ${counted(accounts.length, 'account')}; ${rest(done)}.`);
  });
}

function rest(done: { gone: number; failed: number; doneAt: Date | null } | null): string {
  const { gone = 0, failed = 0, doneAt = null } = done ?? {};
  if (doneAt === null) return 'the worker has the others in hand';
  return `${gone} deleted meanwhile, ${failed} could not be secured`;
}

async function confirmNumber(number: number, given: string | undefined): Promise<void> {
  if (given === undefined && !isTerminal())
    throw new Error(
      `This secures ${counted(number, 'account')}. Add --confirm ${number} where nobody can be asked. Nothing was done.`,
    );
  const typed = given ?? (await askLine(`This can't be undone. Type ${number} to go on: `));
  if (typed.trim() !== String(number))
    throw new Error(
      `${number === 1 ? 'There is' : 'There are'} ${counted(number, 'account')}, not ${typed.trim()}. Nothing was done.`,
    );
}
