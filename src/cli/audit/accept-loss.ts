// `audit accept-loss`: an operator's word that events are gone, after which the worker signs again.
import { callerFor, type Why } from '../caller.ts';
import { withContext } from '../connect.ts';
import { printable } from '../print.ts';

export async function acceptLoss(why: Why): Promise<void> {
  const { reason, origin } = await callerFor(why);
  await withContext(async ({ checkpoints }) => {
    const result = await checkpoints.acceptLoss(reason, origin);
    if (!result.ok)
      throw new Error(`The log is not whole by itself: ${printable(result.problem)}. Nothing was signed.`);
    const { from, newest, kept } = result;
    if (from > kept)
      process.stdout.write('No checkpoint here contradicts the log; what a worker remembers counts no longer.\n');
    else
      process.stdout.write(
        `Checkpoints of the events ${from} to ${newest} that were signed before now count no longer.\n`,
      );
    process.stdout.write(`The log as it is was signed up to event ${kept}.\n`);
  });
}
