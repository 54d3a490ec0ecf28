// The arguments of the programs behind npm's scripts, read before anything is done.
import { parseArgs } from 'node:util';

interface Given {
  readonly demo?: boolean;
  readonly pid?: string;
}

type Options = Readonly<Record<string, { readonly type: 'boolean' | 'string' }>>;

/** Ends the process with 0 where help is asked for, and with 2 at an argument that is none of the options. */
export function readArguments(usage: string, options: Options = {}): Given {
  const { help, ...given } = parsedOr2(usage, options);
  if (!help) return given;
  process.stdout.write(`${usage}\n`);
  process.exit(0);
}

/** Ends the process with 2. */
export function refuseArguments(usage: string, problem: string): never {
  process.stderr.write(`${problem}\n${usage}\n`);
  process.exit(2);
}

function parsedOr2(usage: string, options: Options): Given & { readonly help?: boolean } {
  try {
    return parseArgs({ options: { ...options, help: { type: 'boolean', short: 'h' } } }).values;
  } catch (error) {
    return refuseArguments(usage, (error as Error).message);
  }
}
