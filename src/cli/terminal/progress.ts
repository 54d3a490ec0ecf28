// A progress bar on standard error, where that is a terminal.
import { SingleBar } from 'cli-progress';

export interface Bar {
  update(done: number, total?: number): void;
  stop(): void;
}

export function startBar(doing: string, total: number, unit = 'events'): Bar {
  if (process.stderr.isTTY !== true) return { update: () => undefined, stop: () => undefined };
  const bar = new SingleBar({
    format: `${doing} {bar} {percentage}% | {value}/{total} ${unit} | {eta_formatted} left`,
    hideCursor: true,
  });
  bar.start(Math.max(1, total), 0);
  return {
    update(done, newTotal) {
      if (newTotal !== undefined) bar.setTotal(newTotal);
      bar.update(done);
    },
    stop: () => bar.stop(),
  };
}
