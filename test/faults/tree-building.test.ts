// The worker is killed while it builds the tree over a log that is there already: what is built agrees with the log, and
// the next worker goes on.
import { expect, test } from '@jest/globals';
import { until } from '../../harness/until.ts';
import { key, provedWorld } from '../support/proved-world.ts';
import { startWorkerProcess } from '../support/worker-process.ts';

const EVENTS = 60_000;
const { stores, worker, sql, begin, seal, verify } = await provedWorld();
const AUDIT_SIGNING_KEY = (key.privateKey.export({ format: 'pem', type: 'pkcs8' }) as string).replaceAll('\n', '\\n');

const sizes: number[] = [];
const size = async () => Number((await sql<{ size: string }>('SELECT size FROM audit_tree'))[0]?.size ?? 0);

test('a worker that is killed while it builds the tree leaves one that is right, and the next goes on', async () => {
  await begin();
  await seal(EVENTS);
  for (let round = 0; round < 4; round += 1) {
    const running = startWorkerProcess({ ...stores, env: { AUDIT_SIGNING_KEY } });
    const before = await size();
    await until(
      async () => (await size()) > before || (await size()) >= EVENTS - 256 || running.process.exitCode !== null,
    );
    running.process.kill('SIGKILL');
    await running.exited;
    sizes.push(await size());
    expect(await verify()).toMatchObject({ intact: true, tree: { size: expect.any(Number) } });
    expect(await worker.tree.read()).toMatchObject({ first: 1, size: sizes.at(-1) });
  }
  expect(sizes).toEqual([...sizes].sort((a, b) => a - b));
  await worker.tree.grow();
  expect(await size()).toBeGreaterThanOrEqual(EVENTS - 256);
  expect(await verify()).toMatchObject({ intact: true });
});
