// `people export`: everybody, as `import` reads them, on standard output.
import { once } from 'node:events';
import { recordEvent } from '../../core/audit/outbox.ts';
import { exportPeople as read } from '../../core/moving/people-export.ts';
import { withContext } from '../connect.ts';
import { type Confirmed, confirm } from '../terminal/ask.ts';
import { callerFor, type Why } from '../terminal/caller.ts';
import { outputGone } from '../terminal/output.ts';
import { counted } from '../terminal/print.ts';
import { stoppable } from '../terminal/stopping.ts';

interface Options extends Why, Confirmed {
  readonly withHashes: boolean;
}

const WARNING =
  'This writes the hash of everybody’s password. Whoever has the file can guess at them for as long as they like.';

/** Recorded before the first line: an export that breaks off was one too. */
export async function exportPeople({ withHashes, yes, ...why }: Options): Promise<void> {
  const { actor, origin } = await callerFor(why);
  if (withHashes) await confirm({ yes }, WARNING, 'hashes');
  await withContext(async ({ database }) => {
    const detail = { of: 'everybody', hashes: withHashes };
    const event = { type: 'people_exported', outcome: 'success', actor, subject: null, origin, detail } as const;
    await database.transact((transaction) => recordEvent(transaction, event));
    const counts = { people: 0, hashes: 0, needSecret: 0 };
    await stoppable(async (stopped) => {
      const ended = AbortSignal.any([stopped, outputGone]);
      for await (const lines of read(database.pool, { withHashes }, counts)) {
        if (outputGone.aborted) return;
        if (!process.stdout.write(lines)) await once(process.stdout, 'drain', { signal: ended }).catch(() => undefined);
        if (stopped.aborted)
          throw new Error(
            `Stopped after about ${counted(counts.people, 'person', 'people')}: the export is not whole.`,
          );
      }
    });
    if (outputGone.aborted) return;
    process.stderr.write(
      `${counted(counts.people, 'person', 'people')}${withHashes ? `, ${counts.hashes} with a hash` : ''}.\n`,
    );
    if (counts.needSecret > 0)
      process.stderr.write(
        `${counts.needSecret} without theirs: it can only be checked with a secret of the file that it came from.\n`,
      );
  });
}
