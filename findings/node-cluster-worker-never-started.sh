#!/usr/bin/env bash
# Node 20.20.2 and 24.11.1: of a cluster worker whose process could not be started nobody hears the end. cluster.fork() returns a
# worker; where the system refuses the process (no more of them, no open files, here a folder that is not there), the worker emits
# `error`, and `exit` never, nor does the cluster. isDead() says true, and cluster.workers has it no more. So a supervisor that
# forks again on `exit`, as the documentation shows it, loses that place for good.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat > primary.cjs <<'JS'
const cluster = require('node:cluster');
if (!cluster.isPrimary) return;
const seen = [];
cluster.on('exit', () => seen.push('exit of the cluster'));
cluster.setupPrimary({ cwd: '/nowhere' });
const worker = cluster.fork();
worker.on('error', ({ code }) => seen.push(`error ${code}`));
worker.on('exit', () => seen.push('exit of the worker'));
setTimeout(() => {
  const kept = Object.keys(cluster.workers).length;
  const found = `${seen.join(', ')}; in the list: ${kept}; isDead: ${worker.isDead()}; pid: ${worker.process.pid}`;
  console.log(process.version, found);
  process.exit(found === 'error ENOENT; in the list: 0; isDead: true; pid: undefined' ? 0 : 1);
}, 2_000);
JS
for version in 20.20.2 24.11.1; do
  mkdir "$version"
  (cd "$version" && echo '{}' > package.json && npm install --no-audit --no-fund --silent "node@$version" && node_modules/.bin/node ../primary.cjs)
done
