// Hosts of PostgreSQL that take connections and say nothing, from before a process started.
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { openPool } from '../../src/core/platform/postgres/open-pool.ts';

const servers: Server[] = [];
const sockets = new Set<Socket>();
let asked = 0;

async function silentHost(): Promise<string> {
  const server = createServer((socket) => {
    asked += 1;
    sockets.add(socket.on('error', () => undefined));
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
});

test('once it is known that none of them answers, nobody waits for one', async () => {
  const url = `postgresql://somebody@${await silentHost()},${await silentHost()}/none`;
  const pool = openPool({ url, poolSize: 2 });
  try {
    await expect(pool.query('SELECT 1')).rejects.toThrow('PostgreSQL says nothing');
    const before = asked;
    await expect(pool.query('SELECT 1')).rejects.toThrow('PostgreSQL is away');
    expect([before > 1, asked]).toEqual([true, before]);
  } finally {
    await pool.end();
  }
});
