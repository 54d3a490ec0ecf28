// Asks the system that people come from whether somebody has this password there. Whatever is not a whole and clear answer
// counts as a no.
import { performance } from 'node:perf_hooks';
import { emailKey } from '../../platform/email-address.ts';
import type { Log } from '../../platform/log.ts';
import type { Metrics } from '../../platform/metrics.ts';
import { type Person, readPerson } from '../person.ts';

const TIMEOUT_MS = 3_000;
const MAX_BYTES = 64 * 1_024;
/** Of one process. Whoever comes while as many wait is not asked about: a queue would grow as long as the other side is slow. */
const AT_ONCE = 8;
const SAY_EVERY_MS = 60_000;
const NO = new Set([401, 404]);

export interface OldSystem {
  readonly url: string;
  readonly secret: string;
}

/** As it was typed. */
export interface Claim {
  readonly email: string;
  readonly password: string;
}

type NoAnswer =
  | 'busy'
  | 'timeout'
  | 'unreachable'
  | 'too_large'
  | 'not_json'
  | 'malformed'
  | 'other_address'
  | `status_${number}`;

class NoAnswerError extends Error {
  /** Said in the log: nothing of the person. */
  readonly reason: NoAnswer;

  constructor(reason: NoAnswer) {
    super(`the old system gave no answer: ${reason}`);
    this.reason = reason;
  }
}

export interface AskOptions {
  readonly oldSystem: OldSystem;
  /** The latest that an account can have been made. */
  readonly now: () => Date;
  readonly metrics: Metrics;
  readonly log: Log;
}

export type Answer = Person | 'no' | 'no_answer';

export function createAskOldSystem({ oldSystem, now, metrics, log }: AskOptions) {
  let asking = 0;
  let saidAt = Number.NEGATIVE_INFINITY;

  /** Not of every one: in a flood there would be no other lines. */
  function say(reason: NoAnswer): void {
    if (performance.now() - saidAt < SAY_EVERY_MS) return;
    saidAt = performance.now();
    log.warn({ reason }, 'the old system could not be asked, which counts as a wrong password; said once a minute');
  }

  async function ask(claim: Claim): Promise<Person | 'no'> {
    if (asking >= AT_ONCE) throw new NoAnswerError('busy');
    asking += 1;
    try {
      const text = await post(oldSystem, claim);
      return text === null ? 'no' : personOf(text, claim, now());
    } finally {
      asking -= 1;
    }
  }

  /** The person, who is not blocked there and has the address that was asked about. Never throws. */
  return async function askOldSystem(claim: Claim): Promise<Answer> {
    try {
      const answer = await ask(claim);
      metrics.countOldSystem(answer === 'no' ? 'no' : 'yes');
      return answer;
    } catch (error) {
      const reason = error instanceof NoAnswerError ? error.reason : 'unreachable';
      metrics.countOldSystem(reason === 'busy' ? 'busy' : 'failed');
      say(reason);
      return 'no_answer';
    }
  };
}

function personOf(text: string, { email }: Claim, now: Date): Person | 'no' {
  const read = readPerson(parse(text), now);
  if ('problem' in read) throw new NoAnswerError('malformed');
  const { person } = read;
  const { email: _, ...passwords } = person.password;
  // The password was just typed: a hash of it has no business on the way.
  if (Object.values(passwords).some((value) => value !== undefined)) throw new NoAnswerError('malformed');
  if (person.key !== emailKey(email)) throw new NoAnswerError('other_address');
  return person.blocked ? 'no' : person;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new NoAnswerError('malformed');
  }
}

/** The text of a yes; null for a no. */
async function post({ url, secret }: OldSystem, claim: Claim): Promise<string | null> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        Accept: 'application/json',
        Authorization: `Bearer ${secret}`,
        'Content-Type': 'application/json',
        'User-Agent': 'Holdfast',
      },
      body: JSON.stringify({ email: claim.email, password: claim.password }),
      redirect: 'manual', // a password goes nowhere but where it was meant to
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const problem = problemOf(response);
    if (problem === null) return await readText(response);
    await response.body?.cancel();
    if (problem === 'no') return null;
    throw new NoAnswerError(problem);
  } catch (error) {
    if (error instanceof NoAnswerError) throw error;
    throw new NoAnswerError((error as Error).name === 'TimeoutError' ? 'timeout' : 'unreachable');
  }
}

function problemOf({ status, headers }: Response): NoAnswer | 'no' | null {
  if (NO.has(status)) return 'no';
  if (status !== 200) return `status_${status}`;
  return /^application\/json\s*(?:;|$)/i.test(headers.get('content-type') ?? '') ? null : 'not_json';
}

async function readText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > MAX_BYTES) throw new NoAnswerError('too_large');
    chunks.push(chunk);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
  } catch {
    throw new NoAnswerError('malformed');
  }
}
