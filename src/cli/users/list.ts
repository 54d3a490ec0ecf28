// `user list`: every account, by e-mail address.
import { ANY_USER, createUserSearch, type UserKey } from '../../core/accounts/user-search.ts';
import { emailKey } from '../../core/platform/email-address.ts';
import { withPool } from '../connect.ts';
import { type AsJson, printList } from '../terminal/list.ts';
import { outputGone } from '../terminal/output.ts';

const PAGE = 1_000;

interface Row {
  readonly email: string;
  readonly role: string;
  readonly state: string;
  readonly secondFactor: boolean;
  readonly createdAt: Date;
  readonly id: string;
}

const COLUMNS = {
  email: 'e-mail address',
  role: 'role',
  state: 'state',
  secondFactor: 'second factor',
  createdAt: 'since',
  id: 'id',
};

export async function list(how: AsJson): Promise<void> {
  await withPool(async (pool) => {
    const search = createUserSearch({ database: { pool } });
    const print = printList<Row>(COLUMNS, { ...how, none: 'There is no account yet.' });
    for (let key: UserKey = null, more = true; more && !outputGone.aborted; ) {
      const { users, hasNext } = await search.page(ANY_USER, key, PAGE);
      print(users.map(({ disabledAt, ...user }) => ({ ...user, state: disabledAt ? 'disabled' : 'active' })));
      key = { after: emailKey(users.at(-1)?.email ?? '') };
      more = hasNext;
    }
  });
}
