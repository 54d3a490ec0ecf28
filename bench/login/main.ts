// `npm run bench login`: what hashing leaves for everything else, then what floods leave for everybody else; renews the tables
// in docs/security.md; then what old hashes of other systems leave. `-- --short` takes a minute or two and writes nothing,
// `-- --floods` and `-- --imported` measure those alone.
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: { short: { type: 'boolean' }, floods: { type: 'boolean' }, imported: { type: 'boolean' } },
});
const all = !values.floods && !values.imported;
if (all) await import('./hashing.ts');
if (all || values.floods) await import('./floods.ts');
if (all || values.imported) await import('./imported.ts');
