// The program's own log: JSON lines on standard output, through pino. Secrets are cut out here, whoever logs them.
import { type DestinationStream, type Logger, pino } from 'pino';

export type Log = Logger;

const SECRETS = [
  'password',
  'current',
  'token',
  'cookie',
  'authorization',
  'set-cookie',
  '_csrf',
  'databaseUrl',
  'redisUrl',
  'smtpUrl',
];

const BUFFER_BYTES = 8_192;
const LONGEST_BUFFER_BYTES = 16 * 1_024 * 1_024;
const FLUSH_INTERVAL_MS = 200;

interface LogOptions {
  readonly level: string;
  readonly name: string;
  /**
   * Writes lines together, in the background, at most a fifth of a second late, and never waits for whoever reads them: for the
   * process that writes a line for every request. What it has not written yet is lost with a process that is killed.
   */
  readonly buffered?: boolean;
}

/** A log for one process, e.g. `createLog({ level: 'info', name: 'worker' })`, on standard output. */
export function createLog({ level, name, buffered = false }: LogOptions): Log {
  return pino(
    {
      level,
      base: { name, pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: { paths: SECRETS.flatMap((key) => [`["${key}"]`, `*["${key}"]`, `*.*["${key}"]`]), censor: '[redacted]' },
    },
    buffered ? openBuffer() : pino.destination({ dest: 1 }),
  );
}

/** The same log without the search for secrets, which costs more than all the rest of a line: for fields that hold none. */
export function withoutRedaction(log: Log): Log {
  return log.child({}, { redact: [] });
}

/** Resolves when everything that was logged so far is written down. */
export function flushLog(log: Log): Promise<void> {
  return new Promise((resolve) => log.flush(() => resolve()));
}

// pino writes what is left when the process exits, and at once after a fatal line.
function openBuffer(): DestinationStream {
  const destination = pino.destination({
    dest: 1,
    sync: false,
    minLength: BUFFER_BYTES,
    maxLength: LONGEST_BUFFER_BYTES,
  });
  setInterval(() => destination.flush(), FLUSH_INTERVAL_MS).unref();
  return destination;
}
