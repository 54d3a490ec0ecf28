#!/usr/bin/env bash
# npm 10.9.4 and 11.19.1: `npm sbom --omit=dev` leaves out a package of production that a package of
# development needs too. ms@2.1.3 stands under "dependencies"; debug@4.4.3, under "devDependencies",
# also depends on it. `npm ls --omit=dev` and an installation without development packages have ms;
# the bill of materials has the root alone. Without --omit=dev it lists both, and marks debug alone
# as "cdx:npm:package:development".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"name":"root","version":"1.0.0","dependencies":{"ms":"2.1.3"},"devDependencies":{"debug":"4.4.3"}}' > package.json
npm install --no-audit --no-fund --silent

for version in 10.9.4 11.19.1; do
  sbom() { npx --yes "npm@$version" sbom --sbom-format=cyclonedx "$@"; }
  listed() { node -p "JSON.parse(fs.readFileSync(0)).components.map((one) => one.purl + (one.properties ?? []).filter((p) => p.name.endsWith(':development')).map(() => ' dev')).sort().join(', ')"; }
  without=$(sbom --omit=dev | listed)
  whole=$(sbom | listed)
  echo "npm $version, --omit=dev: [$without]; whole: [$whole]"
  test "$without" = ''
  test "$whole" = 'pkg:npm/debug@4.4.3 dev, pkg:npm/ms@2.1.3'
done
npm ls --omit=dev --parseable | grep -q '/node_modules/ms$'
