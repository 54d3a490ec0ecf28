// The account that a command names.
import { validate } from 'uuid';
import type { User } from '../../core/accounts/users.ts';
import type { Context } from '../../core/context.ts';
import { withContext } from '../connect.ts';

export function noAccount(who: string): Error {
  return new Error(`There is no account with the ${validate(who) ? 'id' : 'e-mail address'} ${who}.`);
}

export async function withUser(who: string, work: (user: User, context: Context) => Promise<void>): Promise<void> {
  await withContext(async (context) => {
    const user = await context.users.findNamed(who);
    if (!user) throw noAccount(who);
    await work(user, context);
  });
}
