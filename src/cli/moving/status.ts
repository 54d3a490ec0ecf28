// `import status`: whose password is still the one that another system kept.
import { countImported } from '../../core/moving/import-status.ts';
import { withPool } from '../connect.ts';
import { type AsJson, printList } from '../terminal/list.ts';

const COLUMNS = { scheme: 'password', people: 'people', blocked: 'of them disabled', importedAt: 'first taken over' };

export async function status(how: AsJson): Promise<void> {
  const none = 'Nobody has a password that another system kept.';
  await withPool(async (pool) => printList(COLUMNS, { ...how, none })(await countImported(pool)));
}
