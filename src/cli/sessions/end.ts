// `session end` and `session end-all`.
import { withContext } from '../connect.ts';
import { type Confirmed, confirm } from '../terminal/ask.ts';
import { callerFor, type Why } from '../terminal/caller.ts';
import { say } from '../terminal/output.ts';
import { counted } from '../terminal/print.ts';
import { withBar } from '../terminal/progress.ts';
import { leavingBehind } from '../terminal/stopping.ts';

export async function end(sessionId: string, why: Why): Promise<void> {
  const { actor, origin, reason } = await callerFor(why);
  await withContext(async ({ database, sessions }) => {
    const by = { reason: 'revoked_by_operator', actor, origin, note: reason } as const;
    const ended = await database.transact((transaction) => sessions.endWithin(transaction, { sessionId }, by));
    if (ended.length === 0) throw new Error('There is no such session, or it has ended already.');
    say('The session has ended.');
  });
}

export async function endAll({ yes, ...why }: Why & Confirmed): Promise<void> {
  const caller = await callerFor(why);
  await withContext(async ({ endAllSessions, readOverview }) => {
    const count = (await readOverview()).sessions?.count ?? 0;
    await confirm({ yes }, `This logs everybody out (about ${counted(count, 'session')}).`, 'everybody');
    await endAllSessions.ask({ ...caller, kept: null });
    process.stderr.write('No session that began before now counts any more. Ending the records:\n');
    const ended = await leavingBehind('Stopped. The worker ends the other records.', () =>
      withBar({ doing: 'Ending', total: count, unit: 'sessions' }, (onProgress) =>
        endAllSessions.endRemaining({ onProgress }),
      ),
    );
    say(`Ended ${counted(ended, 'session')}.`);
  });
}
