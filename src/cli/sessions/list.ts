// `session list`: where somebody is logged in.
import { createAccountLookup } from '../../core/accounts/account-lookup.ts';
import { type ListedSession, listLiveSessions } from '../../core/sessions/session-table.ts';
import { withPool } from '../connect.ts';
import { type AsJson, printList } from '../terminal/list.ts';
import { noAccount } from '../users/find.ts';

type Row = Omit<ListedSession, 'remember' | 'absoluteDeadline'>;

const COLUMNS = {
  id: 'id',
  ip: 'IP address',
  createdAt: 'since',
  lastSeenAt: 'last seen',
  idleDeadline: 'ends unused at',
  authenticationMethod: 'logged in by',
  userAgent: 'browser',
};

export async function list(who: string, how: AsJson): Promise<void> {
  await withPool(async (pool) => {
    const user = await createAccountLookup({ pool }).findNamed(who);
    if (!user) throw noAccount(who);
    printList<Row>(COLUMNS, { ...how, none: 'Logged in nowhere.' })(await listLiveSessions(pool, user.id));
  });
}
