// `audit accept-loss`: an operator's word that events are gone, after which the worker signs again.
import { withContext } from '../connect.ts';
import { printable } from '../print.ts';

export async function acceptLoss({ reason }: { readonly reason: string }): Promise<void> {
  const why = reason.trim();
  if (why === '') throw new Error('Say why with --reason: it is recorded.');
  await withContext(async ({ checkpoints }) => {
    const result = await checkpoints.acceptLoss(why);
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
