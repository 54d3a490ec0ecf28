// The program's own log: JSON lines on standard output, through pino, without secrets.
import { type DestinationStream, type Logger, pino } from 'pino';
import { createLogOutput } from './logging/output.ts';

export type Log = Logger;

const SECRETS = [
  'password',
  'current',
  'token',
  'secret',
  'cookie',
  'authorization',
  'set-cookie',
  '_csrf',
  'databaseUrl',
  'redis',
  'redisUrl',
  'smtpUrl',
];

/** What libraries hang on their errors: the arguments of a command of Redis, and PostgreSQL's words with the values of a row. */
const VALUES = ['command.args', 'detail', 'where', 'meta.driverAdapterError.cause.detail'].map((of) => `err.${of}`);

const BUFFER_BYTES = 32_768;
const WARN = 40;
/** A cause may lead to itself. */
const MOST_CAUSES = 5;

interface LogOptions {
  readonly level: string;
  readonly name: string;
  /**
   * Writes several lines together, at most a fifth of a second late: for the process that logs every
   * request. A process that is killed loses what is not written yet.
   */
  readonly buffered?: boolean;
}

/** Nothing ever waits for a line of it (logging/output.ts). */
export function createLog({ level, name, buffered = false }: LogOptions): Log {
  const base = { name, pid: process.pid };
  return pino(
    {
      level,
      base,
      timestamp: pino.stdTimeFunctions.isoTime,
      serializers: { err: told },
      redact: {
        paths: [...SECRETS.flatMap((key) => [`["${key}"]`, `*["${key}"]`, `*.*["${key}"]`]), ...VALUES],
        censor: '[redacted]',
      },
    },
    createLogOutput({
      together: buffered ? BUFFER_BYTES : 0,
      droppedLine: (count) =>
        `${JSON.stringify({ level: WARN, time: isoNow(), ...base, count, msg: 'lines of this log were lost: there was no room for them' })}\n`,
    }),
  );
}

/** As pino tells an error, with the words of its causes behind its own; but none that stand there already. */
function told(error: unknown): unknown {
  const as = pino.stdSerializers.err(error as Error);
  if (!(error instanceof Error)) return as;
  const words: string[] = [];
  for (let cause: unknown = error; cause instanceof Error && words.length < MOST_CAUSES; cause = cause.cause)
    if (!words.some((one) => one.includes((cause as Error).message))) words.push(cause.message);
  as.message = words.join(': ');
  return as;
}

/** What is logged of a request; none of it can hold a secret. */
export interface RequestLine {
  /** Only letters, digits and hyphens. */
  readonly requestId: string;
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly ms: number;
  readonly ip: string | null;
}

/**
 * Writes lines as the log itself would, but without the search for secrets and the check of each
 * field, which cost more than the rest. Those of one turn of the event loop reach the log together
 * at its end.
 */
export function requestLines(log: Log): (line: RequestLine) => void {
  const stream = (log as unknown as Record<symbol, DestinationStream>)[pino.symbols.streamSym];
  if (!stream) throw new Error('this log has no stream');
  const bindings = JSON.stringify({ ...log.bindings(), pid: process.pid }).slice(1, -1); // pino leaves the pid out
  const [before, after] = [`{"level":${log.levels.values['info']},"time":"`, `",${bindings},"requestId":"`];
  // The stream measures all that it holds at each write.
  let lines = '';
  const handOver = () => {
    stream.write(lines);
    lines = '';
  };
  return ({ requestId, method, path, status, ms, ip }) => {
    if (!log.isLevelEnabled('info')) return;
    if (lines === '') setImmediate(handOver);
    const address = ip === null ? 'null' : `"${ip}"`;
    lines += `${before}${isoNow()}${after}${requestId}","method":"${method}","path":${quoted(path)},"status":${status},"ms":${ms},"ip":${address},"msg":"request"}\n`;
  };
}

/** Almost every path needs no escape. */
function quoted(path: string): string {
  return /^[\w/.:-]*$/.test(path) ? `"${path}"` : JSON.stringify(path);
}

let isoAt = 0;
let iso = '';

function isoNow(): string {
  const now = Date.now();
  if (now !== isoAt) {
    isoAt = now;
    iso = new Date(now).toISOString();
  }
  return iso;
}

/** Resolves when everything that was logged so far is written. */
export function flushLog(log: Log): Promise<void> {
  return new Promise((resolve) => log.flush(() => resolve()));
}
