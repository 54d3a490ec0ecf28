// One scenario: people come, the fault happens, people go on for a while, and then everything that was promised is checked.
import { setTimeout as delay } from 'node:timers/promises';
import type { Installation } from '../installation.ts';
import { until } from '../until.ts';
import { type Crowd, type Failure, startLoad } from './crowd.ts';
import {
  checkEvents,
  checkSessions,
  type EventCheck,
  type Ledger,
  type Obtained,
  type SessionCheck,
} from './ledger.ts';
import type { Kill, Scenario } from './scenarios.ts';

export interface Row {
  readonly name: string;
  readonly requests: number;
  /** Failed requests, but for those that a killed process had in hand. */
  readonly failures: readonly Failure[];
  readonly inKilledProcess: number;
  readonly refused: number;
  /** When the last log-in was refused, of `performance.now()`. */
  readonly lastRefusedAt: number | null;
  /** 99 of 100 requests were answered within this long. */
  readonly usualMs: number;
  readonly slowestMs: number;
  readonly sessionsBefore: number;
  readonly sessionsWanted: number;
  readonly sessions: SessionCheck;
  readonly events: EventCheck;
}

export interface RunOptions {
  readonly installation: Installation;
  readonly ledger: Ledger;
  readonly crowd: Crowd;
  readonly readers: readonly Obtained[];
  /** How long the load goes on before and after the fault. */
  readonly aroundMs: number;
}

const SEALED_WITHIN_MS = 30_000;
/** How long after a process is gone the end of its connections may be noticed. */
const KILL_SLACK_MS = 1_000;

export async function runScenario(scenario: Scenario, options: RunOptions): Promise<Row> {
  const { installation, ledger, crowd, readers, aroundMs } = options;
  const { port, servers } = installation;
  const [sessionsBefore, owedBefore] = [ledger.live().length, ledger.events().size];
  const load = startLoad({ port, ledger, crowd, readers, mayRefuse: scenario.mayRefuse ?? false });
  await delay(aroundMs);
  const kills = await scenario.cause(installation).catch(async (error: unknown) => {
    await load.stop();
    throw error;
  });
  await delay(aroundMs);
  const { requests, failures, refused, lastRefusedAt, durations } = await load.stop();
  const lost = failures.filter((failure) => !wasInHand(failure, kills));
  const sessions = await checkSessions(port, ledger);
  const events = () => checkEvents(servers.database.superuserUrl, ledger.events(), owedBefore);
  const complete = async () => {
    const { expected, found } = await events();
    return expected === found;
  };
  await until(complete, SEALED_WITHIN_MS).catch(() => undefined);
  return {
    name: scenario.name,
    requests,
    failures: lost,
    inKilledProcess: failures.length - lost.length,
    refused,
    lastRefusedAt,
    ...slowness(durations),
    sessionsBefore,
    sessionsWanted: ledger.live().length,
    sessions,
    events: await events(),
  };
}

/** Whether all that is promised was kept. */
export function isKept({ failures, sessions, events }: Row): boolean {
  return (
    failures.length === 0 &&
    sessions.lost === 0 &&
    sessions.revived === 0 &&
    events.found === events.expected &&
    events.twice === 0
  );
}

/**
 * Only what was on its way over a connection that the killed process held: it answers nothing any more, but its connections
 * close a moment later. No client has more than one of those.
 */
function wasInHand({ answered, connectedAt, failedAt }: Failure, kills: readonly Kill[]): boolean {
  return (
    !answered &&
    kills.some(({ at, goneAt }) => connectedAt <= at && failedAt >= at && failedAt <= goneAt + KILL_SLACK_MS)
  );
}

/** Of how long each took. */
export function slowness(durations: readonly number[]): Pick<Row, 'usualMs' | 'slowestMs'> {
  const sorted = durations.toSorted((a, b) => a - b);
  return { usualMs: sorted[Math.floor(sorted.length * 0.99)] ?? 0, slowestMs: sorted.at(-1) ?? 0 };
}
