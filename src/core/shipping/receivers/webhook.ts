// An HTTPS endpoint that takes NDJSON, or JSON, signed as Standard Webhooks describe (standardwebhooks.com): id, time and body by
// HMAC-SHA256 with each key. A redirect is an error: whoever answers does not choose who gets the log.
import { createHmac } from 'node:crypto';
import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import { type Batch, errorOf, type Receiver, ReceiverError } from './receiver.ts';

/** Bodies of 1 MiB are what servers take unless told otherwise. */
const MOST = { events: 1_000, bytes: 1_000_000 };
const ANSWER_WITHIN_MS = 30_000;
const LONGEST_WAIT_MS = 3_600_000;
const MOST_READ = 65_536;

export interface WebhookTarget {
  readonly kind: 'webhook';
  readonly url: string;
  /** Each signs, so that one can be replaced. */
  readonly keys: readonly Buffer[];
  /** PEM; null: the system's. */
  readonly ca: string | null;
}

export interface WebhookOptions {
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  readonly answerWithinMs?: number;
  readonly contentType?: string;
}

export function openWebhook(
  { url, keys, ca }: WebhookTarget,
  { now = Date.now, answerWithinMs = ANSWER_WITHIN_MS, contentType = 'application/x-ndjson' }: WebhookOptions = {},
): Receiver {
  const { request, Agent } = new URL(url).protocol === 'https:' ? https : http;
  const agent = new Agent({ keepAlive: true, maxSockets: 1, ...(ca === null ? {} : { ca }) });

  function headersOf({ id, bytes }: Batch): Record<string, string | number> {
    const timestamp = Math.floor(now() / 1_000);
    const signatures = keys.map((key) => `v1,${signed(key, `${id}.${timestamp}.`, bytes)}`);
    return {
      'content-type': contentType,
      'content-length': bytes.length,
      'user-agent': 'Holdfast',
      'webhook-id': id,
      'webhook-timestamp': timestamp,
      'webhook-signature': signatures.join(' '),
    };
  }

  function post(batch: Batch, signal: AbortSignal, again: boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const posting = request(url, { method: 'POST', agent, headers: headersOf(batch), signal });
      posting.once('response', (response) => answered(response).then(resolve, reject));
      posting.once('error', (error: NodeJS.ErrnoException) => {
        // A connection that was kept may have ended meanwhile, which says nothing about the receiver.
        const wasKept = posting.reusedSocket && again && !signal.aborted;
        if (wasKept) post(batch, signal, false).then(resolve, reject);
        else reject(errorOf(signal.aborted ? (signal.reason ?? error) : error));
      });
      posting.end(batch.bytes);
    });
  }

  return {
    most: MOST,
    frame: (_, json) => `${json}\n`,
    send: (batch, signal) => post(batch, AbortSignal.any([signal, AbortSignal.timeout(answerWithinMs)]), true),
    close: () => agent.destroy(),
  };
}

function signed(key: Buffer, before: string, body: Buffer): string {
  return createHmac('sha256', key).update(before).update(body).digest('base64');
}

/** By the status alone; the rest is read so that the connection can be used again. */
async function answered(response: IncomingMessage): Promise<void> {
  const { statusCode: status = 0, headers } = response;
  let read = 0;
  response.on('data', ({ length }: Buffer) => {
    read += length;
    if (read > MOST_READ) response.destroy();
  });
  await new Promise((resolve) => response.once('close', resolve).once('error', resolve));
  if (status >= 200 && status < 300) return;
  const redirect = status >= 300 && status < 400 ? ': redirects are not followed' : '';
  throw new ReceiverError(`answered ${status}${redirect}`, { retryAfterMs: retryAfterOf(headers['retry-after']) });
}

function retryAfterOf(text: string | undefined): number {
  return /^\d{1,6}$/.test(text ?? '') ? Math.min(Number(text) * 1_000, LONGEST_WAIT_MS) : 0;
}
