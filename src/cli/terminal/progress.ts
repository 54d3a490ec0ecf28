// A progress bar on standard error, where that is a terminal.
import { SingleBar } from 'cli-progress';

export type Update = (done: number, total?: number) => void;

/** Shows how far `work` is. However it ends, and be it with the process, the terminal has its cursor and its lines again. */
export async function withBar<T>(
  { doing, total, unit = 'events' }: { readonly doing: string; readonly total: number; readonly unit?: string },
  work: (update: Update) => Promise<T>,
): Promise<T> {
  if (process.stderr.isTTY !== true) return work(() => undefined);
  const bar = new SingleBar({
    format: `${doing} {bar} {percentage}% | {value}/{total} ${unit} | {eta_formatted} left`,
    hideCursor: true,
  });
  const stop = () => bar.stop();
  process.once('exit', stop);
  bar.start(Math.max(1, total), 0);
  try {
    return await work((done, newTotal) => {
      if (newTotal !== undefined) bar.setTotal(newTotal);
      bar.update(done);
    });
  } finally {
    process.off('exit', stop);
    stop();
  }
}
