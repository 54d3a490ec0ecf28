// What runs in a process of its own, so that what loads the server does not stand in the way of what measures it.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { pin } from '../speed/processes.ts';
import type { FloodAnswers, FloodOrder } from './flood.ts';
import type { Order } from './measure.ts';

/** The figure that was ordered. */
export function measureApart(order: Order, where: 'server' | 'anywhere'): Promise<number> {
  const child = start('./measure.js');
  pin(child.pid ?? 0, where);
  return answerTo<number>(child, order);
}

/** How the server answered the flood that was ordered. */
export function floodApart(order: FloodOrder): Promise<FloodAnswers> {
  return answerTo<FloodAnswers>(start('./flood.js'), order);
}

function start(script: string): ChildProcess {
  return fork(fileURLToPath(new URL(script, import.meta.url)), { stdio: 'inherit' });
}

async function answerTo<Answer>(child: ChildProcess, order: object): Promise<Answer> {
  child.send(order);
  const [answer] = (await once(child, 'message')) as [Answer];
  await once(child, 'exit');
  return answer;
}
