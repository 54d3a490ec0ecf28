// `user secure`: takes an account back from whoever may have got into it.

import { type Confirmed, confirm } from '../terminal/ask.ts';
import { commandLine } from '../terminal/called.ts';
import { callerFor, type Why } from '../terminal/caller.ts';
import { say } from '../terminal/output.ts';
import { counted, printable } from '../terminal/print.ts';
import { withUser } from './find.ts';

interface Options extends Why, Confirmed {
  readonly removeFactors: boolean;
}

export async function secure(account: string, { yes, removeFactors, ...why }: Options): Promise<void> {
  const by = await callerFor(why);
  await withUser(account, async (user, { secureAccount }) => {
    const who = printable(user.email);
    const factors = removeFactors ? ' Its second factors go too.' : '';
    const what = `This ends every session of ${who}, makes its password invalid and forgets its known browsers.${factors}`;
    await confirm({ yes }, what, who);
    const result = await secureAccount.secure({ userId: user.id, by, removesFactors: removeFactors });
    if (!result.ok) throw new Error(`${who} was deleted meanwhile.`);
    const { sessions, browsers, mailed } = result;
    say(
      `${who} is secured: ${counted(sessions, 'session')} ended, ${counted(browsers, 'known browser')} forgotten, its password is invalid.`,
    );
    say(mailed ? 'A mail with a link to a new password is on its way.' : `No link was mailed. ${handOver(user.email)}`);
  });
}

function handOver(email: string): string {
  return `Hand one over: ${commandLine(`user reset-link ${printable(email)}`)}`;
}
