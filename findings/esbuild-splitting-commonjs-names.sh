#!/usr/bin/env bash
# esbuild 0.28.2: with `--splitting`, an `import()` of a CommonJS package gives `default` alone, and what its names
# were is undefined, without a warning. Without `--splitting` the same program has the names, as in Node.js itself.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

npm init -y > package.out
npm install --no-audit --no-fund --silent esbuild@0.28.2 semver@7.7.2
cat > main.mjs <<'JS'
const loaded = await import('semver');
console.log(typeof loaded.parse, typeof loaded.default.parse);
JS
bundle() {
  npx esbuild main.mjs --bundle --platform=node --format=esm --out-extension:.js=.mjs --log-level=warning "$@" \
    '--banner:js=import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' 2>&1
}
{
  node main.mjs
  bundle --outdir=whole
  node whole/main.mjs
  bundle --outdir=split --splitting
  node split/main.mjs
} | tee out
printf '%s\n' 'function function' 'function function' 'undefined function' | cmp - out
