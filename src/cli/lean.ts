// What a command does without, because to load it would take as long as the command: metrics that nobody reads, and a log in
// JSON.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Log } from '../core/platform/log.ts';
import type { Metrics } from '../core/platform/metrics.ts';
import { printable } from './terminal/print.ts';

/** Node 20 would spend a seventh of the time on optimising what runs a few times. */
export function optimiseLess(): void {
  if (process.versions.v8.startsWith('11.')) setFlagsFromString('--interrupt-budget=2000000');
}

const nothing = () => undefined;

/** Counts nothing; of the rest no command has need. */
export const UNCOUNTED = {
  countRefusal: nothing,
  countRead: nothing,
  countBreachCheck: nothing,
  countOldSystem: nothing,
} as Partial<Metrics> as Metrics;

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;

/** A line each on standard error, from this level on (LOG_LEVEL). */
export function commandLog(from: string): Log {
  const least = (LEVELS as readonly string[]).indexOf(from);
  const shown = (index: number) => least !== -1 && index >= least;
  return Object.fromEntries(
    LEVELS.map((level, index) => [level, shown(index) ? write : nothing]),
  ) as Partial<Log> as Log;
}

function write(about: object | string, message = ''): void {
  const { err, reason, ...rest } = typeof about === 'string' ? { reason: about } : (about as Record<string, unknown>);
  const why = err instanceof Error ? err.message : reason;
  const parts = [message, why, Object.keys(rest).length > 0 ? JSON.stringify(rest) : ''].filter(Boolean);
  process.stderr.write(`${printable(parts.join(': '))}\n`);
}

/**
 * Frees what is no longer needed, at once. On a machine with much memory V8 lets garbage pile up to hundreds of megabytes before
 * it looks, and a long command would seem to grow and grow.
 */
export function garbageCollector(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}
