// After the last test: the servers of the run go, and their folder with them.

import { rmSync } from 'node:fs';

export default async function tearDown() {
  const servers = globalThis.holdfastServers;
  if (!servers) return;
  await Promise.all([servers.postgres.kill(), servers.redis.kill()]); // nothing in them is worth a clean end
  rmSync(servers.folder, { recursive: true, force: true });
}
