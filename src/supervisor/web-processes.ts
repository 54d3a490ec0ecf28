// The web processes of one supervisor: keeps as many running as wanted, and replaces them one at a time. Promises that an old
// process is told to drain only when its successor is ready, and stays when that never happens. Hides node:cluster.
import cluster, { type Worker } from 'node:cluster';
import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '../core/platform/log.ts';
import { isReady, LISTEN, LISTEN_WHEN_READY } from './messages.ts';

export interface WebProcessesOptions {
  /** The file that each process runs, read from disk at every start. */
  exec: string;
  count: number;
  /** A successor that has not sent `{ type: 'ready' }` after this long has failed. */
  readyTimeoutMs: number;
  /** A draining process that is still there after this long is killed. */
  stopTimeoutMs: number;
  log: Pick<Log, 'info' | 'warn' | 'error'>;
  /** Called whenever a process started or ended. */
  onChange: () => void;
}

export interface Replaced {
  old: number;
  new: number;
  tookMs: number;
}

export interface WebProcesses {
  /** Process ids of those that serve or are about to. */
  pids(): number[];
  /** Replaces all, one after another, and tells of each. Throws why it went no further; what was not replaced goes on serving. */
  replaceAll(onReplaced: (replaced: Replaced) => void): Promise<void>;
  /** Drains all; resolves when none is left. */
  stop(): Promise<void>;
}

/** One place among the web processes, whoever fills it at the moment. */
interface Slot {
  worker?: Worker;
  startedAt: number;
  quickDeaths: number;
  /** Set while a successor is being started: then the death of the present one is no reason to start another. */
  replacing: boolean;
  restart?: NodeJS.Timeout;
}

/**
 * Without it V8 comes to believe, in some processes, that what a request makes lives long, and makes it where only a full
 * collection finds it: such a process answers a fifth to a third fewer requests for the same processor time.
 */
export const NO_PRETENURING = '--no-allocation-site-pretenuring';

const quickDeathMs = 5_000;
const firstBackOffMs = 100;
const longestBackOffMs = 10_000;

/** Starts the processes; they read the same environment as this one. */
export function startWebProcesses({
  exec,
  count,
  readyTimeoutMs,
  stopTimeoutMs,
  log,
  onChange,
}: WebProcessesOptions): WebProcesses {
  // All processes accept from one listening socket. The default, a primary that accepts and hands out round robin, leaves a
  // connection hanging that is on its way to a process which is killed; here the kernel keeps it for the others.
  cluster.schedulingPolicy = cluster.SCHED_NONE;
  cluster.setupPrimary({ exec, execArgv: [...process.execArgv, NO_PRETENURING] });
  const slots = Array.from({ length: count }, (): Slot => ({ startedAt: 0, quickDeaths: 0, replacing: false }));
  const stopping = new AbortController();
  const serving = new Set<Worker>();
  for (const slot of slots) fill(slot);

  function fill(slot: Slot): void {
    slot.startedAt = Date.now();
    slot.worker = start((code, signal) => onDeath(slot, code, signal));
  }

  function start(onExit: (code: number | null, signal: string | null) => void): Worker {
    cluster.setupPrimary({ args: serving.size > 0 ? [LISTEN_WHEN_READY] : [] });
    const worker = cluster.fork();
    log.info({ webPid: worker.process.pid }, 'a web process starts');
    worker.on('error', (error) =>
      log.warn({ webPid: worker.process.pid, err: error }, 'a web process can not be reached'),
    );
    worker.on('message', (message: unknown) => {
      if (!isReady(message)) return;
      serving.add(worker);
      log.info({ webPid: worker.process.pid }, 'a web process is ready');
    });
    worker.once('exit', (code, signal) => {
      leave(worker);
      onExit(code, signal);
      onChange();
    });
    queueMicrotask(onChange);
    return worker;
  }

  /** Where nobody serves any more, those that wait until they are ready answer what they can. */
  function leave(worker: Worker): void {
    if (!serving.delete(worker) || serving.size > 0) return;
    for (const other of Object.values(cluster.workers ?? {}))
      if (other?.isConnected()) other.send(LISTEN, () => undefined);
  }

  function onDeath(slot: Slot, code: number | null, signal: string | null): void {
    const webPid = slot.worker?.process.pid;
    delete slot.worker;
    if (stopping.signal.aborted) return;
    slot.quickDeaths = Date.now() - slot.startedAt < quickDeathMs ? slot.quickDeaths + 1 : 0;
    const inMs = slot.quickDeaths === 0 ? 0 : Math.min(firstBackOffMs * 2 ** (slot.quickDeaths - 1), longestBackOffMs);
    log.error({ webPid, code, signal, againInMs: inMs }, 'a web process died');
    if (!slot.replacing) slot.restart = setTimeout(fill, inMs, slot);
  }

  async function replace(slot: Slot): Promise<Replaced> {
    const startedAt = Date.now();
    clearTimeout(slot.restart);
    slot.replacing = true;
    try {
      // Until it takes the place, the successor's death is no news to the slot.
      let inPlace = false;
      const successor = start((code, signal) => inPlace && onDeath(slot, code, signal));
      const failure = await readiness(successor, readyTimeoutMs, stopping.signal);
      if (failure) {
        successor.process.kill('SIGKILL');
        throw new Error(failure);
      }
      const old = slot.worker;
      old?.removeAllListeners('exit');
      old?.once('exit', () => {
        serving.delete(old);
        onChange();
      });
      inPlace = true;
      slot.worker = successor;
      Object.assign(slot, { startedAt, quickDeaths: 0 });
      if (old) await end(old);
      return { old: old?.process.pid ?? 0, new: successor.process.pid ?? 0, tookMs: Date.now() - startedAt };
    } finally {
      slot.replacing = false;
      if (!slot.worker && !stopping.signal.aborted) fill(slot);
    }
  }

  async function end(worker: Worker): Promise<void> {
    const gone = new Promise<boolean>((resolve) => worker.once('exit', () => resolve(true)));
    if (worker.isDead()) return;
    worker.process.kill('SIGTERM');
    if (await Promise.race([gone, delay(stopTimeoutMs, false, { ref: false })])) return;
    log.error({ webPid: worker.process.pid }, 'a web process did not end in time and is killed');
    worker.process.kill('SIGKILL');
    await gone;
  }

  return {
    pids: () => slots.flatMap((slot) => slot.worker?.process.pid ?? []),
    async replaceAll(onReplaced) {
      for (const slot of slots) {
        if (stopping.signal.aborted) throw new Error('the supervisor is stopping');
        onReplaced(await replace(slot));
      }
    },
    async stop() {
      stopping.abort();
      for (const slot of slots) clearTimeout(slot.restart);
      await Promise.all(Object.values(cluster.workers ?? {}).map((worker) => worker && end(worker)));
    },
  };
}

/** Undefined once the process says that it is ready, else why it will not be. */
function readiness(worker: Worker, timeoutMs: number, stopping: AbortSignal): Promise<string | undefined> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, timeoutMs, `the new web process was not ready after ${timeoutMs / 1_000} s`);
    const answer = (failure?: string) => {
      clearTimeout(timer);
      resolve(failure);
    };
    worker.on('message', (message: unknown) => isReady(message) && answer());
    worker.once('exit', (code, signal) =>
      answer(`the new web process ended (${signal ?? `exit code ${code}`}) before it was ready`),
    );
    stopping.addEventListener('abort', () => answer('the supervisor is stopping'), { once: true });
  });
}
