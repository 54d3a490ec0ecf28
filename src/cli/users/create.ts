// `user create`: an account with a password, such as the first operator's.
import { withContext } from '../connect.ts';
import { commandLine } from '../terminal/called.ts';
import { callerFor, type Why } from '../terminal/caller.ts';
import { say } from '../terminal/output.ts';
import { readNewPassword } from '../terminal/password.ts';
import { printable } from '../terminal/print.ts';

interface NewAccount {
  readonly email: string;
  readonly operator: boolean;
}

/** Not asked for a reason by a script: the first operator is made by one, and nothing is changed. */
export async function create({ email, operator, ...why }: Why & NewAccount): Promise<void> {
  const { origin } = await callerFor(why, { needed: false });
  await withContext(async (context) => {
    const { users, passwords } = context;
    if (await users.findByEmail(email)) throw taken(email, operator);
    const password = await readNewPassword(context, email, origin);
    const passwordHash = await passwords.hash(password, null);
    const result = await users.create({ email, passwordHash, role: operator ? 'operator' : 'member', origin });
    if (!result.ok) throw taken(email, operator);
    say(`Created the ${result.user.role} ${printable(result.user.email)} (${result.user.id}).`);
  });
}

function taken(email: string, operator: boolean): Error {
  const next = operator
    ? ` To make it an operator: ${commandLine(`user set-role ${email} operator --reason "WHY"`)}`
    : '';
  return new Error(`An account with the e-mail address ${email} exists already.${next}`);
}
