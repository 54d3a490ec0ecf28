// `npm run bench login`: what hashing leaves for everything else, then what floods leave for everybody else; renews both tables
// in docs/security.md. `-- --short` takes a minute or two and writes nothing, `-- --floods` measures the floods alone.
import { parseArgs } from 'node:util';

const { values } = parseArgs({ options: { short: { type: 'boolean' }, floods: { type: 'boolean' } } });
if (!values.floods) await import('./hashing.ts');
await import('./floods.ts');
