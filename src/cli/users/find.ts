// The account that a command names.
import type { User } from '../../core/accounts/users.ts';
import type { Context } from '../../core/context.ts';
import { withContext } from '../connect.ts';

export function noAccount(email: string): Error {
  return new Error(`There is no account with the e-mail address ${email}.`);
}

export async function withUser(email: string, work: (user: User, context: Context) => Promise<void>): Promise<void> {
  await withContext(async (context) => {
    const user = await context.users.findByEmail(email);
    if (!user) throw noAccount(email);
    await work(user, context);
  });
}
