// The first start of the programs under `up`: one that dies again and again before it was ready ends it, with the end of its log.
import { setTimeout as sleep } from 'node:timers/promises';
import { GAVE_UP } from '../supervisor/messages.ts';
import { tail } from './machine/files.ts';
import { type Exit, inWords } from './machine/process.ts';
import type { Program, ProgramOptions } from './programs.ts';

const mostDeaths = 3;
const lastLines = 20;

export interface FirstStart {
  onDeath(program: ProgramOptions, exit: Exit): void;
  /** Throws once a program has died too often. */
  check(): void;
  /** Resolves when the present program is ready; `check` may throw to end the wait. */
  untilReady(present: () => Program | undefined, check: () => void): Promise<void>;
}

export function watchFirstStart(): FirstStart {
  const deaths = new Map<string, number>();
  let hopeless: Error | undefined;
  return {
    onDeath({ name, logFile }, exit) {
      const count = (deaths.get(name) ?? 0) + 1;
      deaths.set(name, count);
      // The supervisor has tried several times itself.
      if (count < mostDeaths && exit.code !== GAVE_UP) return;
      const why = `${name} can't be started: it died ${count === 1 ? '' : `${count} times `}(${inWords(exit)})`;
      hopeless ??= new Error(`${why}. The end of ${logFile}:\n${tail(logFile, lastLines)}`);
    },
    check() {
      if (hopeless) throw hopeless;
    },
    async untilReady(present, check) {
      for (;;) {
        check();
        const program = present();
        const ready = program && Promise.race([program.exited.then(() => false), program.ready.then(() => true)]);
        if (await Promise.race([ready, sleep(50, false)])) return;
        await sleep(20);
      }
    },
  };
}
