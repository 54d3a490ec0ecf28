// Measures in a process of its own, so that what loads the server does not stand in its way.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { pin } from '../speed/processes.ts';
import type { Order } from './measure.ts';

const MEASURE = fileURLToPath(new URL('./measure.js', import.meta.url));

/** The figure that was ordered. */
export async function measureApart(order: Order, where: 'server' | 'anywhere'): Promise<number> {
  const child = fork(MEASURE, { stdio: 'inherit' });
  pin(child.pid ?? 0, where);
  child.send(order);
  const [figure] = (await once(child, 'message')) as [number];
  await once(child, 'exit');
  return figure;
}
