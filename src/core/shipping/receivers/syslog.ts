// A syslog server: RFC 5424 with octet counting (RFC 6587) over TCP or TLS (RFC 5425). Syslog acknowledges nothing, so each
// batch has a connection of its own, which we end first: a receiver that closes its side has read everything.
import { connect, isIP, type Socket } from 'node:net';
import { hostname } from 'node:os';
import { connect as connectTls } from 'node:tls';
import type { ExportedEvent } from '../../audit/event-rows.ts';
import { GRAVE } from '../formats/meanings.ts';
import { errorOf, type Receiver, ReceiverError } from './receiver.ts';

const MOST = { events: 4_000, bytes: 8_000_000 };
const TAKEN_WITHIN_MS = 30_000;
/** A receiver that hung up while we wrote is heard within this time: then its end is no word about what it has read. */
const SETTLE_MS = 50;
/** "log audit", RFC 5424 table 1. */
const FACILITY = 13;
const SEVERITIES = { alert: 1, warning: 4, informational: 6 } as const;

export interface SyslogTarget {
  readonly kind: 'syslog';
  readonly host: string;
  readonly port: number;
  /** `ca` is PEM; null: the system's. Null: plain TCP. */
  readonly tls: { readonly ca: string | null } | null;
}

export function openSyslog(
  target: SyslogTarget,
  { takenWithinMs = TAKEN_WITHIN_MS }: { takenWithinMs?: number } = {},
): Receiver {
  return {
    most: MOST,
    frame: (event, json) => {
      const message = `<${priorityOf(event)}>1 ${event.occurredAt} ${HOST} holdfast - ${event.type.slice(0, 32)} - ${json}`;
      return `${Buffer.byteLength(message)} ${message}`;
    },
    send: ({ bytes }, signal) => deliver(target, bytes, AbortSignal.any([signal, AbortSignal.timeout(takenWithinMs)])),
    close: () => undefined,
  };
}

/** What PRINTUSASCII leaves of it, 255 characters at most. */
const HOST =
  hostname()
    .replace(/[^\x21-\x7e]/g, '_')
    .slice(0, 255) || '-';

function priorityOf({ type, outcome }: ExportedEvent): number {
  if (GRAVE.has(type)) return FACILITY * 8 + SEVERITIES.alert;
  return FACILITY * 8 + (outcome === 'failure' ? SEVERITIES.warning : SEVERITIES.informational);
}

function deliver(target: SyslogTarget, bytes: Buffer, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = open(target);
    let failed: ReceiverError | null = null;
    let ended = false;
    const fail = (error: unknown) => {
      failed ??= errorOf(error);
      socket.destroy();
    };
    const abort = () => fail(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    const end = () => {
      ended = true;
      socket.end();
    };
    socket.once(target.tls ? 'secureConnect' : 'connect', () => socket.write(bytes, () => setTimeout(end, SETTLE_MS)));
    socket.on('error', fail);
    socket.once('end', () => ended || fail(HUNG_UP));
    socket.once('close', () => {
      signal.removeEventListener('abort', abort);
      if (!ended) failed ??= HUNG_UP;
      if (failed) reject(failed);
      else resolve();
    });
    socket.resume();
  });
}

const HUNG_UP = new ReceiverError('ended the connection before it had everything');

function open({ host, port, tls }: SyslogTarget): Socket {
  if (tls === null) return connect({ host, port, allowHalfOpen: true });
  return connectTls({
    host,
    port,
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(tls.ca === null ? {} : { ca: tls.ca }),
  });
}
