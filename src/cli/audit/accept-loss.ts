// `audit accept-loss`: an operator's word that events are gone, after which the worker signs again.
import { withContext } from '../connect.ts';
import { type Confirmed, confirm } from '../terminal/ask.ts';
import { callerFor, type Why } from '../terminal/caller.ts';
import { say } from '../terminal/output.ts';
import { printable } from '../terminal/print.ts';
import { readCheckpointFiles } from './checkpoint-files.ts';

interface Options extends Why, Confirmed {
  readonly checkpoint: readonly string[];
}

export async function acceptLoss({ yes, checkpoint, ...why }: Options): Promise<void> {
  const elsewhere = await readCheckpointFiles(checkpoint);
  const { reason, origin } = await callerFor(why);
  await confirm({ yes }, 'This signs the log as it is, with whatever it has lost.', 'accept');
  await withContext(async ({ checkpoints }) => {
    const result = await checkpoints.acceptLoss(reason, { origin, elsewhere });
    if (!result.ok)
      throw new Error(`The log is not whole by itself: ${printable(result.problem)}. Nothing was signed.`);
    const { from, newest, kept } = result;
    if (from > kept) say('No checkpoint here contradicts the log; what a worker remembers counts no longer.');
    else say(`Checkpoints of the events ${from} to ${newest} that were signed before now count no longer.`);
    say(`The log as it is was signed up to event ${kept}.`);
  });
}
