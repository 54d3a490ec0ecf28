#!/usr/bin/env bash
# npm bcrypt 6.0.0: `compare` is false for every hash that begins with "$2y$", as PHP's password_hash
# and htpasswd -B write it; nothing is thrown. The same hash with "$2b$" for "$2y$" matches, and so
# does the "$2y$" with bcryptjs 3.0.3 and @node-rs/bcrypt 1.10.8.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"name":"root","version":"1.0.0","type":"module"}' > package.json
npm install --no-audit --no-fund --silent bcrypt@6.0.0 bcryptjs@3.0.3 @node-rs/bcrypt@1.10.8

cat > try.js <<'JS'
import bcrypt from 'bcrypt';
import bcryptjs from 'bcryptjs';
import nodeRs from '@node-rs/bcrypt';
const ours = bcryptjs.hashSync('a password', 4);
const php = ours.replace('$2b$', '$2y$');
console.log(php.slice(0, 7), bcrypt.compareSync('a password', php), bcryptjs.compareSync('a password', php), nodeRs.verifySync('a password', php));
console.log(ours.slice(0, 7), bcrypt.compareSync('a password', ours));
JS
node try.js | tee out
printf '%s\n' '$2y$04$ false true true' '$2b$04$ true' | cmp - out
