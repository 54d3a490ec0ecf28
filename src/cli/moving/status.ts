// `import status`: who of another system has not logged in since.
import { countImported } from '../../core/moving/import-status.ts';
import { withPool } from '../connect.ts';
import { type AsJson, printList } from '../terminal/list.ts';

const COLUMNS = { scheme: 'password', people: 'people', blocked: 'of them disabled', importedAt: 'first taken over' };

export async function status(how: AsJson): Promise<void> {
  const none = 'Nobody who was taken over is still to log in.';
  await withPool(async (pool) => printList(COLUMNS, { ...how, none })(await countImported(pool)));
}
