// A seeded schedule of faults under load, and then every history is checked: what was answered must be so.
import { setTimeout as delay } from 'node:timers/promises';
import { query } from '../query.ts';
import { type Crowd, registerReaders, startLoad } from '../restart/crowd.ts';
import { checkEvents, checkSessions } from '../restart/ledger.ts';
import { until } from '../until.ts';
import { FAULT_NAMES, FAULTS, type World } from './faults.ts';
import { openHistory } from './history.ts';
import { schedule } from './schedule.ts';

export interface NemesisOptions {
  readonly world: World;
  readonly seed: number;
  readonly forMs: number;
  readonly crowd: Crowd;
  /** Told of each step as it begins. */
  readonly say: (line: string) => void;
}

export interface NemesisResult {
  readonly steps: number;
  readonly requests: number;
  /** Without an answer, or with 5xx: no promise is broken by them here. */
  readonly unanswered: number;
  readonly sessions: number;
  readonly events: number;
  /** A sentence each; none where everything was kept. */
  readonly violations: readonly string[];
}

const SETTLED_WITHIN_MS = 180_000;

export async function runNemesis({ world, seed, forMs, crowd, say }: NemesisOptions): Promise<NemesisResult> {
  const { installation } = world;
  const { port, servers } = installation;
  const history = openHistory();
  const { ledger } = history;
  const readers = await registerReaders(port, ledger, crowd.keepAlive + crowd.fresh);
  const load = startLoad({ port, ledger, crowd, readers, mayRefuse: true });
  const watch = history.watch(port);
  const deadline = performance.now() + forMs;
  let steps = 0;
  const torment = async () => {
    for (const step of schedule(seed, FAULT_NAMES)) {
      if (performance.now() > deadline) return;
      say(`${step.fault}, ${step.forMs} ms`);
      await FAULTS[step.fault](world, step.forMs);
      steps += 1;
      await settle();
      await delay(step.restMs);
    }
  };
  /** What one store alone knows must reach the other before that one is tormented: both at once is not promised. */
  const settle = () => until(() => isSettled().catch(() => false), SETTLED_WITHIN_MS);
  const isSettled = async () => {
    const admin = await world.set.admin();
    const waiting = ['wait', 'active', 'delayed'].map((state) => `{hf:queue}:sessions:${state}`);
    const [wait, active, delayed] = await Promise.all([
      admin.llen(waiting[0] ?? ''),
      admin.llen(waiting[1] ?? ''),
      admin.zrange(waiting[2] ?? '', 0, '-1'),
    ]).finally(() => admin.disconnect());
    const ending = delayed.filter((id) => !id.startsWith('repeat:')).length;
    const ready = await fetch(`http://127.0.0.1:${port}/readyz`).then((answer) => answer.json() as Promise<object>);
    return wait + active + ending === 0 && !('without' in ready) && 'status' in ready && ready.status === 'ok';
  };

  const failed = await torment().then(
    () => undefined,
    (error: unknown) => error,
  );
  const { requests, failures, refused } = await load.stop();
  const ghosts = await watch.stop();
  if (failed) throw failed;
  await settle();
  const { superuserUrl } = servers.database;
  const events = () => checkEvents(superuserUrl, ledger.events());
  const complete = async () => (await waitingEvents(superuserUrl)) === 0;
  await until(complete, SETTLED_WITHIN_MS).catch(() => undefined);
  const sessions = await checkSessions(port, ledger);
  const found = await events();
  const verified = await installation.verify();
  return {
    steps,
    requests,
    unanswered: failures.length + refused,
    sessions: sessions.live,
    events: found.found,
    violations: [
      ...ghosts,
      ...sentence(sessions.revived, 'ended sessions answer at the end'),
      ...sentence(sessions.lost, 'live sessions are lost'),
      ...sentence(found.expected - found.found, 'events of answered requests are not in the log'),
      ...sentence(found.twice, 'events are in the log more than once'),
      ...(verified.includes('is intact') ? [] : [`audit verify: ${verified}`]),
    ],
  };
}

async function waitingEvents(url: string): Promise<number> {
  const [row] = await query<{ count: number }>(url, 'SELECT count(*)::int FROM outbox');
  return row?.count ?? 0;
}

function sentence(count: number, what: string): string[] {
  return count === 0 ? [] : [`${count} ${what}`];
}
