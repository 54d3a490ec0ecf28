// `session accept-loss`: an operator's word that PostgreSQL went back in time.
import { withContext } from '../connect.ts';
import { type Confirmed, confirm } from '../terminal/ask.ts';
import { callerFor, type Why } from '../terminal/caller.ts';
import { say } from '../terminal/output.ts';
import { counted } from '../terminal/print.ts';

export async function acceptLoss({ yes, ...why }: Why & Confirmed): Promise<void> {
  const { reason, origin } = await callerFor(why);
  await confirm({ yes }, 'This accepts that PostgreSQL has lost what it had, and ends sessions again.', 'accept');
  await withContext(async ({ acceptRewind }) => {
    const ended = await acceptRewind(reason, origin);
    if (ended === null) throw new Error('Nothing says that PostgreSQL went back in time.');
    say(`Accepted. Ended ${counted(ended, 'session')} again.`);
  });
}
