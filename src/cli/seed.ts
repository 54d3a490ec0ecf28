// `seed`: made-up events and people, to try Holdfast out and to measure it.
import { Command, InvalidArgumentError } from 'commander';
import { withContext } from './connect.ts';
import { type Confirmed, confirm, yesOption } from './terminal/ask.ts';
import { callerFor, reasonOption, type Why } from './terminal/caller.ts';
import { say } from './terminal/output.ts';
import { counted } from './terminal/print.ts';
import { stoppable } from './terminal/stopping.ts';

export function seedCommand(): Command {
  return new Command('seed')
    .description(
      'Fill the audit log with made-up events of made-up people, to try it out. They can not be taken out again: never do it where the log counts. Needs the rights of the owner of the schema',
    )
    .requiredOption('--events <n>', 'how many events', parseCount(50_000_000))
    .option('--people <n>', 'how many people', parseCount(1_000_000), 500)
    .option('--months <n>', 'over how many months, up to now', parseCount(60), 4)
    .option('--into-used-log', 'also where people have logged in already', false)
    .addOption(reasonOption())
    .addOption(yesOption())
    .action(run);
}

interface Options extends Confirmed, Why {
  readonly events: number;
  readonly people: number;
  readonly months: number;
  readonly intoUsedLog: boolean;
}

/** Not asked for a reason by a script: nothing that was there is changed. */
async function run({ events, people, months, intoUsedLog, yes, ...why }: Options): Promise<void> {
  const { origin } = await callerFor(why, { needed: false });
  await withContext(async (context) => {
    if (context.config.production)
      throw new Error(
        'In production the log is not filled with made-up events (NODE_ENV, or a PUBLIC_URL that is not of this machine).',
      );
    await confirm({ yes }, `This adds ${counted(events, 'made-up event')} to the log.`, 'seed');
    const [{ seed }, { withBar }] = await Promise.all([
      import('../core/seed/seed.ts'),
      import('./terminal/progress.ts'),
    ]);
    const asked = { events, people, months, intoUsedLog, origin };
    const { result, cut } = await stoppable(async (stopped) => {
      const work = (update: (done: number) => void) => seed(context, { ...asked, stopped }, update);
      return { result: await withBar({ doing: 'Making up', total: events }, work), cut: stopped.aborted };
    });
    if (!result.ok) {
      throw new Error(
        'The log tells of people already, and made-up events can not be taken out of it again. If it is only for trying out, say --into-used-log.',
      );
    }
    say(
      `Sealed ${counted(result.events, 'made-up event')} of ${counted(people, 'person', 'people')}, numbers ${result.firstSeq} to ${result.lastSeq}. Each has "made_up" in its detail.`,
    );
    if (cut && result.events < events) throw new Error(`Stopped before the other ${events - result.events}.`);
  });
}

function parseCount(most: number): (text: string) => number {
  return (text) => {
    const count = Number(text);
    if (Number.isInteger(count) && count >= 1 && count <= most) return count;
    throw new InvalidArgumentError(`Expected a whole number from 1 to ${most}.`);
  };
}
