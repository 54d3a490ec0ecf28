// Asks a breach service for a password, by the first five digits of its SHA-1 (k-anonymity) and
// padded, so that the service learns neither the password nor whether it knew it. If it does not
// answer, the password is accepted and that is recorded. SHA-1 is how such services index, and
// protects nothing.
import { createHash } from 'node:crypto';
import type { Origin } from '../audit/events.ts';
import { recordEvent } from '../audit/outbox.ts';
import type { Database } from '../platform/database.ts';
import type { Log } from '../platform/log.ts';
import type { Metrics } from '../platform/metrics.ts';
import { normalisePassword } from './passwords.ts';

const TIMEOUT_MS = 1_000;
/** A padded answer has a thousand lines of forty characters. */
const MAX_BYTES = 512 * 1_024;
const PREFIX_DIGITS = 5;
const LINE = /^([0-9A-F]{35}):(\d{1,10})$/;

interface Setting {
  readonly userId: string | null;
  readonly origin: Origin;
}

type NoAnswer = 'timeout' | 'unreachable' | 'malformed' | 'too_large' | `status_${number}`;

class NoAnswerError extends Error {
  /** Recorded: says nothing of the password. */
  readonly reason: NoAnswer;

  constructor(reason: NoAnswer) {
    super(`the breach service gave no answer: ${reason}`);
    this.reason = reason;
  }
}

export interface BreachedPasswordsOptions {
  /** Null: no service is asked. */
  readonly url: string | null;
  readonly database: Database;
  readonly metrics: Metrics;
  readonly log: Log;
}

export type BreachedPasswords = ReturnType<typeof createBreachedPasswords>;

export function createBreachedPasswords({ url, database, metrics, log }: BreachedPasswordsOptions) {
  async function recordFailure(reason: NoAnswer, { userId, origin }: Setting): Promise<void> {
    log.warn({ reason }, 'the breach service could not be asked');
    const about = { actor: userId, subject: userId, origin, detail: { reason } };
    await database.transact((transaction) =>
      recordEvent(transaction, { type: 'authn_password_unchecked', outcome: 'failure', ...about }),
    );
  }

  return {
    /** Whether the service knows a password. False without a service, or without its answer. */
    async has(password: string, setting: Setting): Promise<boolean> {
      if (url === null) return false;
      try {
        const found = await ask(url, password);
        metrics.countBreachCheck(found ? 'found' : 'not_found');
        return found;
      } catch (error) {
        if (!(error instanceof NoAnswerError)) throw error;
        metrics.countBreachCheck('failed');
        await recordFailure(error.reason, setting);
        return false;
      }
    },
  };
}

async function ask(url: string, password: string): Promise<boolean> {
  const hash = createHash('sha1').update(normalisePassword(password)).digest('hex').toUpperCase();
  const range = new URL(url);
  range.pathname = `${range.pathname.replace(/\/$/, '')}/${hash.slice(0, PREFIX_DIGITS)}`;
  const lines = (await read(range)).split(/\r?\n/).filter((line) => line !== '');
  const counts = new Map(lines.map((line) => countOf(line)));
  return (counts.get(hash.slice(PREFIX_DIGITS)) ?? 0) > 0; // zero: a line of padding
}

function countOf(line: string): [string, number] {
  const [, suffix, count] = LINE.exec(line.toUpperCase()) ?? [];
  if (suffix === undefined) throw new NoAnswerError('malformed');
  return [suffix, Number(count)];
}

/** Throws if the whole answer is not there in time. */
async function read(range: URL): Promise<string> {
  const headers = { 'Add-Padding': 'true', 'User-Agent': 'Holdfast' };
  try {
    const response = await fetch(range, { headers, redirect: 'error', signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (response.status !== 200) {
      await response.body?.cancel();
      throw new NoAnswerError(`status_${response.status}`);
    }
    const decoder = new TextDecoder();
    let text = '';
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk, { stream: true });
      if (text.length > MAX_BYTES) throw new NoAnswerError('too_large');
    }
    return text;
  } catch (error) {
    if (error instanceof NoAnswerError) throw error;
    throw new NoAnswerError((error as Error).name === 'TimeoutError' ? 'timeout' : 'unreachable');
  }
}
