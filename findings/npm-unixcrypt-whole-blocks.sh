#!/usr/bin/env bash
# npm unixcrypt 3.0.4: sha-crypt of a password that is a multiple of the digest long (32 bytes with
# $5$, 64 with $6$) differs from crypt(3) of glibc and libxcrypt, so that the right password is
# refused. Its step 10 takes `length % digestSize` bytes, which is none of a whole block.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"name":"root","version":"1.0.0","type":"module"}' > package.json
npm install --no-audit --no-fund --silent unixcrypt@3.0.4

cat > try.js <<'JS'
import { execFileSync } from 'node:child_process';
import { verify } from 'unixcrypt';
for (const [setting, lengths] of [['$5$saltstring', [31, 32, 33, 64]], ['$6$saltstring', [63, 64, 65, 128]]]) {
  for (const length of lengths) {
    const password = 'x'.repeat(length);
    const hash = execFileSync('perl', ['-e', 'print crypt($ARGV[0], $ARGV[1])', password, setting], { encoding: 'utf8' });
    console.log(setting.slice(0, 3), length, verify(password, hash));
  }
}
JS
node try.js | tee out
printf '%s\n' '$5$ 31 true' '$5$ 32 false' '$5$ 33 true' '$5$ 64 false' \
  '$6$ 63 true' '$6$ 64 false' '$6$ 65 true' '$6$ 128 false' | cmp - out
