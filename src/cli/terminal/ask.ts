// Questions on a terminal. Standard output stays for what was asked for.
import { createInterface } from 'node:readline/promises';
import { Option } from 'commander';

/** Whether somebody sits there. */
export function isTerminal(): boolean {
  return process.stdin.isTTY === true;
}

export async function askLine(question: string): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await new Promise((resolve, reject) => {
      lines.once('close', () => reject(new Error('Nothing was typed. Nothing was done.')));
      lines.once('SIGINT', () => reject(new Error('Nothing was done.')));
      lines.question(question).then(resolve, reject);
    });
  } finally {
    lines.close();
  }
}

export interface Confirmed {
  readonly yes: boolean;
}

export function yesOption(): Option {
  return new Option('--yes', "don't ask before what can't be undone").default(false);
}

/** Before what can't be undone: says what it does, and goes on only once the word is typed. Throws otherwise. */
export async function confirm({ yes }: Confirmed, what: string, word: string): Promise<void> {
  if (yes) return;
  if (!isTerminal()) throw new Error(`${what} Add --yes where nobody can be asked. Nothing was done.`);
  const typed = await askLine(`${what} This can't be undone. Type "${word}" to go on: `);
  if (typed.trim() !== word) throw new Error('Nothing was done.');
}
