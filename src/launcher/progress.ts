// What the launcher says on the terminal: a spinner for the present step, plain lines where there is no terminal.

import ora from 'ora';

export interface Progress {
  /** Begins a step; the step before is done. */
  step(text: string): void;
  say(line: string): void;
  done(text: string): void;
  fail(text: string): void;
  text(text: string): void;
}

/** What can't be shown, as on a terminal that was closed or in a pipe that nobody reads, is lost; Holdfast goes on. */
export function startProgress(): Progress {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  // In a terminal without a width (some pseudo-terminals) ora counts lines for ever.
  return process.stdout.isTTY && process.stdout.columns > 0 ? onTerminal() : inLines();
}

function onTerminal(): Progress {
  const spinner = ora({ stream: process.stdout, discardStdin: false }); // discarding would take the Ctrl-C too
  const finish = () => {
    if (spinner.isSpinning) spinner.succeed();
  };
  return {
    step(text) {
      finish();
      spinner.start(text);
    },
    say(line) {
      const present = spinner.isSpinning ? spinner.text : undefined;
      spinner.stop();
      print(`  ${line}`);
      if (present) spinner.start(present);
    },
    done(text) {
      finish();
      spinner.succeed(text);
    },
    fail(text) {
      if (spinner.isSpinning) spinner.fail();
      spinner.fail(text);
    },
    text: print,
  };
}

function inLines(): Progress {
  return { step: print, say: print, done: print, text: print, fail: (text) => void process.stderr.write(`${text}\n`) };
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
