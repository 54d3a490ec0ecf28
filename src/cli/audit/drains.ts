// `audit drains`: where the log is sent to, and the acts on it.
import type { Context } from '../../core/context.ts';
import { withContext, withPool } from '../connect.ts';
import { callerFor, type Why } from '../terminal/caller.ts';
import { type AsJson, printList } from '../terminal/list.ts';
import { say } from '../terminal/output.ts';

const COLUMNS = {
  name: 'name',
  target: 'to',
  format: 'format',
  seq: 'sent to',
  behind: 'behind',
  lagSeconds: 'seconds',
  state: 'state',
  lastError: 'newest error',
};

const NO_DRAIN = 'There is no such drain; "audit drains list" prints them.';

export async function listDrains({ json }: AsJson): Promise<void> {
  const { createDrains } = await import('../../core/shipping/drains.ts');
  await withPool(async (pool) => {
    const drains = createDrains({
      database: { pool, transact: () => Promise.reject(new Error('nothing is changed')) },
    });
    const rows = (await drains.list()).map(({ kind: _, ...drain }) => ({
      name: drain.name,
      target: drain.target,
      format: drain.format,
      seq: drain.seq,
      behind: drain.behind,
      lagSeconds: Math.round(drain.lagSeconds),
      state: stateOf(drain),
      lastError: drain.lastError,
    }));
    printList<(typeof rows)[number]>(COLUMNS, { json, none: 'The log is sent nowhere yet.' })(rows);
  });
}

/** The first of these that holds. */
function stateOf({ served, pausedAt, failures }: { served: boolean; pausedAt: Date | null; failures: number }): string {
  if (pausedAt) return 'paused';
  if (!served) return 'no worker';
  return failures > 0 ? 'failing' : 'draining';
}

export async function pauseDrain(name: string, why: Why): Promise<void> {
  const caller = await callerFor(why);
  await withContext(async ({ drains }) => {
    if (!(await drains.pause(name, caller))) throw await refusal(drains, name, 'The drain is paused already.');
    say('The drain is paused. The log keeps what it has not sent.');
  });
}

export async function resumeDrain(name: string, why: Why): Promise<void> {
  const caller = await callerFor(why);
  await withContext(async ({ drains }) => {
    if (!(await drains.resume(name, caller))) throw await refusal(drains, name, 'The drain is not paused.');
    say('The drain goes on.');
  });
}

export async function rewindDrain(name: string, from: number, why: Why): Promise<void> {
  const caller = await callerFor(why);
  await withContext(async ({ drains }) => {
    const rewound = await drains.rewind(name, from, caller);
    if (rewound.ok) return say(`The receiver gets everything again from event ${from} on.`);
    if (rewound.reason === 'unknown_drain') throw new Error(NO_DRAIN);
    if (rewound.last < rewound.first) throw new Error('Nothing that the log still has was sent yet.');
    throw new Error(`It has sent the events ${rewound.first} to ${rewound.last}: it can begin again at one of these.`);
  });
}

export async function forgetDrain(name: string, why: Why): Promise<void> {
  const caller = await callerFor(why);
  await withContext(async ({ drains }) => {
    if (!(await drains.forget(name, caller)))
      throw await refusal(drains, name, 'A worker still has the drain in its file.');
    say('The drain is forgotten. A new one of that name begins at its start.');
  });
}

/** Of a drain that is there, why nothing was done. */
async function refusal({ list }: Context['drains'], name: string, why: string): Promise<Error> {
  return new Error((await list()).some((drain) => drain.name === name) ? why : NO_DRAIN);
}
