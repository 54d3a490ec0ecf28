// What every receiver of the log does, and how it says that it did not.
import type { ExportedEvent } from '../../audit/event-rows.ts';

/** Events without a gap, as the receiver gets them. */
export interface Batch {
  /** The same for the same events as long as nobody rewinds the drain: a receiver knows a repetition by it. */
  readonly id: string;
  readonly bytes: Buffer;
}

export interface Receiver {
  /** What one batch holds at most; of a longer event one alone. */
  readonly most: { readonly events: number; readonly bytes: number };
  /** An event on the wire, from its JSON. */
  frame(event: ExportedEvent, json: string): string;
  /** Resolves when the receiver has all of it. Throws {@link ReceiverError}: then it may have some of it. */
  send(batch: Batch, signal: AbortSignal): Promise<void>;
  close(): void;
}

/** In words that an operator may read: never what the receiver answered, which may be of a service nobody else sees. */
export class ReceiverError extends Error {
  /** The receiver asked to be left alone for so long. */
  readonly retryAfterMs: number;

  constructor(message: string, { retryAfterMs = 0 }: { retryAfterMs?: number } = {}) {
    super(message);
    this.name = 'ReceiverError';
    this.retryAfterMs = retryAfterMs;
  }
}

/** By its code alone. */
export function errorOf(error: unknown, what = 'could not be reached'): ReceiverError {
  if (error instanceof ReceiverError) return error;
  const { code, name } = error as NodeJS.ErrnoException;
  if (name === 'TimeoutError') return new ReceiverError('did not answer in time');
  return new ReceiverError(`${what} (${/^[A-Z0-9_]{2,60}$/.test(code ?? '') ? code : name})`);
}
