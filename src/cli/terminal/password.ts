// A new password for `user create`: asked for twice, or read from standard input; never an argument, which others' `ps` would show.
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import type { Origin } from '../../core/audit/events.ts';
import type { Context } from '../../core/context.ts';
import { isTerminal } from './ask.ts';

const PROBLEMS = {
  too_short: 'The password needs at least 8 characters.',
  too_long: 'The password may have at most 256 bytes.',
  too_common: 'This password is among the most common ones; choose another.',
  same_as_email: 'The password must not be the e-mail address.',
  too_close: 'The password is little more than the name of this service or the e-mail address.',
  breached: 'This password is known from a breach; choose another.',
} as const;

/** Throws what is wrong with the password. */
export async function readNewPassword(
  { passwordPolicy, breachedPasswords }: Context,
  email: string,
  origin: Origin,
): Promise<string> {
  const password = await readPassword();
  const problem = await passwordPolicy.problem(password, email);
  if (problem) throw new Error(PROBLEMS[problem]);
  const known = await breachedPasswords.has(password, { userId: null, origin });
  if (known) throw new Error(PROBLEMS.breached);
  return password;
}

/** Twice and without an echo on a terminal; elsewhere the first line of standard input. */
async function readPassword(): Promise<string> {
  if (!isTerminal()) return readHidden('');
  const password = await readHidden('Password: ');
  if ((await readHidden('The same again: ')) !== password)
    throw new Error('The two passwords differ. Nothing was done.');
  return password;
}

async function readHidden(prompt: string): Promise<string> {
  const terminal = isTerminal();
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: silent, terminal });
  process.stderr.write(prompt);
  try {
    return await new Promise((resolve, reject) => {
      lines.once('line', resolve);
      lines.once('close', () => reject(new Error('No password was given.')));
    });
  } finally {
    lines.close();
    if (terminal) process.stderr.write('\n');
  }
}
