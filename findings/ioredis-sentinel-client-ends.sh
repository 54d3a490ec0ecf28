#!/usr/bin/env bash
# ioredis 6.0.0: a client with `failoverDetector: true` can end for good at a failover, and connect no
# more. The watch of the lost connection stays open. If it hears `+switch-master` while the client asks
# the Sentinels for the master, it calls the connector's disconnect(), by which the connector takes
# its own client for closed: "Connection is closed.", status `end`, no further attempt. Here a master
# is killed under thirty clients that ask again within a tenth of a second; some of them end. Needs
# redis-server (7.0.15).
set -euo pipefail
folder=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait 2>/dev/null; rm -rf "$folder"' EXIT
cd "$folder"
echo '{}' > package.json
npm install --no-audit --no-fund --silent ioredis@6.0.0

redis-server --port 7301 --save '' > master.log & master=$!
redis-server --port 7302 --save '' --replicaof 127.0.0.1 7301 > replica.log &
for port in 7311 7312 7313; do
  mkdir "$port"
  printf '%s\n' "port $port" "dir $folder/$port" 'sentinel monitor main 127.0.0.1 7301 2' \
    'sentinel down-after-milliseconds main 1000' > "$port.conf"
  redis-server "$port.conf" --sentinel > "$port.log" &
done

cat > clients.cjs <<'JS'
const { Redis } = require('ioredis');
const sentinels = [7311, 7312, 7313].map((port) => ({ host: '127.0.0.1', port }));
const delay = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const until = async (holds) => { while (!(await holds())) await delay(100); };
(async () => {
  const sentinel = new Redis(7311);
  await until(async () => (await sentinel.call('SENTINEL', 'ckquorum', 'main').catch(() => '')).startsWith('OK 3'));
  const inStep = async () => ((await sentinel.call('SENTINEL', 'replicas', 'main'))[0] ?? []).join(' ').includes('master-link-status ok');
  await until(inStep);
  const clients = Array.from({ length: 30 }, () =>
    new Redis({ sentinels, name: 'main', failoverDetector: true, retryStrategy: () => 100 * Math.random(), maxRetriesPerRequest: null }).on('error', () => {}));
  await Promise.all(clients.map((client) => client.ping()));
  await delay(1_000);
  process.kill(Number(process.argv[2]), 'SIGKILL');
  const master = async () => (await sentinel.call('SENTINEL', 'get-master-addr-by-name', 'main'))[1];
  await until(async () => (await master()) === '7302');
  await delay(3_000);
  const ended = clients.filter(({ status }) => status === 'end').length;
  console.log(`3 s after the failover ${ended} of 30 clients have ended for good`);
  process.exit(ended > 0 ? 0 : 1);
})();
JS
node clients.cjs "$master"
