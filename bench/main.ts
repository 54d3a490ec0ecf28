// `npm run bench [name] [-- options]`: runs one of the benches; without a name, `speed`.
const benches: Readonly<Record<string, () => Promise<unknown>>> = {
  speed: () => import('./speed/main.ts'),
  idle: () => import('./idle/main.ts'),
  check: () => import('./check/main.ts'),
  login: () => import('./login/main.ts'),
  restart: () => import('./restart/main.ts'),
  audit: () => import('./audit/main.ts'),
  sessions: () => import('./sessions/main.ts'),
  failover: () => import('./failover/main.ts'),
  nemesis: () => import('./nemesis/main.ts'),
  import: () => import('./import/main.ts'),
};

const [given = ''] = process.argv.slice(2);
const isOption = given === '' || given.startsWith('-');
const bench = benches[isOption ? 'speed' : given];
if (!bench) {
  process.stderr.write(`There is no bench ${given}: ${Object.keys(benches).join(', ')}.\n`);
  process.exit(2);
}
if (!isOption) process.argv.splice(2, 1); // each bench reads its own options
await bench();

export {};
