#!/usr/bin/env bash
# @node-rs/argon2 2.2.1: `hash` takes any bytes as a password, `verify` only such as are UTF-8, though
# both are typed `string | Uint8Array`. What was hashed of other bytes can't be verified again: it
# throws "invalid utf-8 sequence". `hashRaw` with the same salt finds the same hash.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"name":"root","version":"1.0.0","type":"module"}' > package.json
npm install --no-audit --no-fund --silent @node-rs/argon2@2.2.1

cat > try.js <<'JS'
import { hashSync, verifySync } from '@node-rs/argon2';
const text = Buffer.from('ä');
const bytes = Buffer.from([0xe4]);
const cheap = { memoryCost: 8, timeCost: 1 };
console.log('UTF-8:', verifySync(hashSync(text, cheap), text));
try {
  console.log('other bytes:', verifySync(hashSync(bytes, cheap), bytes));
} catch (error) {
  console.log('other bytes:', error.message);
}
JS
node try.js | tee out
printf '%s\n' 'UTF-8: true' 'other bytes: invalid utf-8 sequence' | cmp - out
