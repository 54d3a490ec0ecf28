// The program's own log: JSON lines on standard output, through pino. Secrets are cut out here, whoever logs them.
import { type Logger, pino } from 'pino';

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

/** A log for one process, e.g. `createLog({ level: 'info', name: 'web' })`. Writes asynchronously to standard output. */
export function createLog({ level, name }: { level: string; name: string }): Log {
  return pino({
    level,
    base: { name, pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: { paths: SECRETS.flatMap((key) => [`["${key}"]`, `*["${key}"]`, `*.*["${key}"]`]), censor: '[redacted]' },
  });
}
