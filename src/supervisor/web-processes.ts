// The web processes of one supervisor: keeps them running, and replaces them one at a time. An old process drains only once its
// successor is ready, and stays if it never is. Hides node:cluster.
import cluster, { type Worker } from 'node:cluster';
import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '../core/platform/log.ts';
import { isReady, LISTEN, LISTEN_WHEN_READY } from './messages.ts';

export interface WebProcessesOptions {
  /** The file that each process runs, read from disk at every start. */
  exec: string;
  count: number;
  /** A successor that is not ready after this long has failed. */
  readyTimeoutMs: number;
  /** A process that still drains after this long is killed. */
  stopTimeoutMs: number;
  log: Pick<Log, 'info' | 'warn' | 'error' | 'fatal'>;
  /** Called whenever a process started or ended. */
  onChange: () => void;
  /** Called once, when every place has a process that serves. */
  onAllReady: () => void;
  /** Called when processes have died again and again before any was ready. */
  onHopeless: () => void;
}

export interface Replaced {
  old: number;
  new: number;
  tookMs: number;
}

export interface WebProcesses {
  /** Of those that serve or are about to. */
  pids(): number[];
  /** Replaces all, one after another. Throws why it stopped; what was not replaced goes on serving. */
  replaceAll(onReplaced: (replaced: Replaced) => void): Promise<void>;
  stop(): Promise<void>;
}

/** One place among the web processes. */
interface Slot {
  worker?: Worker;
  startedAt: number;
  quickDeaths: number;
  deaths: number;
  /** While a successor is being started, the death of the present process starts no other. */
  replacing: boolean;
  restart?: NodeJS.Timeout;
}

/**
 * Without it V8 decides in some processes that a request's objects live long, and puts them where only a full collection
 * finds them. Such a process answers a fifth to a third fewer requests for the same processor time.
 */
export const NO_PRETENURING = '--no-allocation-site-pretenuring';

/** Else the C library keeps memory for each thread apart, some 10 MB a process. What is set already counts. */
const FEW_ARENAS = { MALLOC_ARENA_MAX: '2' };

const quickDeathMs = 5_000;
/** Of one place, before any process was ever ready. */
const mostDeathsBeforeReady = 3;
const firstBackOffMs = 100;
const longestBackOffMs = 10_000;

/** The processes get the environment of this one. */
export function startWebProcesses(options: WebProcessesOptions): WebProcesses {
  const { exec, count, readyTimeoutMs, log, onChange, onAllReady, onHopeless } = options;
  // All processes accept from one listening socket, so the kernel keeps a connection for the others when one is killed. The
  // default, a primary that hands out connections, leaves one hanging that is on its way to a killed process.
  cluster.schedulingPolicy = cluster.SCHED_NONE;
  cluster.setupPrimary({ exec, execArgv: [...process.execArgv, NO_PRETENURING] });
  const slots = Array.from(
    { length: count },
    (): Slot => ({ startedAt: 0, quickDeaths: 0, deaths: 0, replacing: false }),
  );
  const stopping = new AbortController();
  const serving = new Set<Worker>();
  let everReady = false;
  let allReady = false;
  for (const slot of slots) fill(slot);

  function fill(slot: Slot): void {
    slot.startedAt = performance.now();
    try {
      slot.worker = start((code, signal) => onDeath(slot, code, signal));
    } catch (error) {
      log.warn({ err: error }, 'a web process can not be started'); // no memory, say
      onDeath(slot, null, null);
    }
  }

  function start(onExit: (code: number | null, signal: string | null) => void): Worker {
    cluster.setupPrimary({ args: serving.size > 0 ? [LISTEN_WHEN_READY] : [] });
    const worker = cluster.fork({ ...FEW_ARENAS, ...process.env, WEB_PROCESSES: count });
    log.info({ webPid: worker.process.pid }, 'a web process starts');
    worker.on('error', (error: NodeJS.ErrnoException) => {
      const isStarted = worker.process.pid !== undefined;
      const what = isStarted ? 'reached' : 'started';
      log.warn({ webPid: worker.process.pid, err: error }, `a web process can not be ${what}`);
      if (isStarted) return;
      // As where there may be no more processes or open files: Node tells of no end, and it is tried again like one that died.
      delete cluster.workers?.[worker.id];
      worker.emit('exit', null, error.code ?? null);
    });
    worker.on('message', (message: unknown) => {
      if (!isReady(message)) return;
      serving.add(worker);
      everReady = true;
      log.info({ webPid: worker.process.pid }, 'a web process is ready');
      if (!allReady && serving.size === count) onAllReady();
      allReady ||= serving.size === count;
    });
    worker.once('exit', (code, signal) => {
      if (serving.delete(worker) && serving.size === 0) listenAll();
      onExit(code, signal);
      onChange();
    });
    queueMicrotask(onChange);
    return worker;
  }

  function onDeath(slot: Slot, code: number | null, signal: string | null): void {
    const webPid = slot.worker?.process.pid;
    delete slot.worker;
    if (stopping.signal.aborted) return;
    slot.quickDeaths = performance.now() - slot.startedAt < quickDeathMs ? slot.quickDeaths + 1 : 0;
    slot.deaths += 1;
    if (!everReady && slot.deaths >= mostDeathsBeforeReady) {
      log.fatal({ webPid, code, signal }, 'a web process died three times before any was ready: the start has failed');
      onHopeless();
      return;
    }
    const inMs = backOffMs(slot.quickDeaths);
    log.error({ webPid, code, signal, againInMs: inMs }, 'a web process died');
    if (!slot.replacing) slot.restart = setTimeout(fill, inMs, slot);
  }

  async function replace(slot: Slot): Promise<Replaced> {
    const startedAt = performance.now();
    clearTimeout(slot.restart);
    slot.replacing = true;
    try {
      // Until the successor takes the place, its death does not concern the slot.
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
      if (old) await end(old, options);
      return {
        old: old?.process.pid ?? 0,
        new: successor.process.pid ?? 0,
        tookMs: Math.round(performance.now() - startedAt),
      };
    } finally {
      slot.replacing = false;
      if (!slot.worker && !stopping.signal.aborted) fill(slot);
    }
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
      await Promise.all(Object.values(cluster.workers ?? {}).map((worker) => worker && end(worker, options)));
    },
  };
}

/** Drains a process, and kills it if it takes too long. */
async function end(worker: Worker, { stopTimeoutMs, log }: WebProcessesOptions): Promise<void> {
  const gone = new Promise<boolean>((resolve) => worker.once('exit', () => resolve(true)));
  if (worker.isDead()) return;
  worker.process.kill('SIGTERM');
  if (await Promise.race([gone, delay(stopTimeoutMs, false, { ref: false })])) return;
  log.error({ webPid: worker.process.pid }, 'a web process did not end in time and is killed');
  worker.process.kill('SIGKILL');
  await gone;
}

/** Where no process serves any more, those that wait until they are ready answer what they can. */
function listenAll(): void {
  for (const worker of Object.values(cluster.workers ?? {}))
    if (worker?.isConnected()) worker.send(LISTEN, () => undefined);
}

function backOffMs(quickDeaths: number): number {
  return quickDeaths === 0 ? 0 : Math.min(firstBackOffMs * 2 ** (quickDeaths - 1), longestBackOffMs);
}

/** Undefined once the process is ready, else why it will not be. */
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
