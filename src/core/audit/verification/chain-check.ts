// Whether events that come one after another are one unbroken chain, and agree with the checkpoints. It is told of each
// event's place and hashes, whoever recomputed them, and names the first that is wrong.
import { missing } from '../canonical-event.ts';
import type { HeldCheckpoint } from './signed-checkpoint.ts';

export interface Link {
  readonly seq: number;
  /** Both base64url. */
  readonly prevHash: string;
  readonly hash: string;
}

export interface Problem {
  readonly seq: number;
  readonly problem: string;
}

/** Events that follow one another, checked but for what comes before them. */
export interface Stretch {
  readonly first: Link;
  readonly last: Link;
  readonly count: number;
  readonly pieces: number;
  readonly confirmed: number;
  /** The first event that is wrong; what follows it was not looked at. */
  readonly problem: Problem | null;
}

export interface ChainCheckOptions {
  /** The event that the first one must follow; null: the first one is believed about it. */
  readonly after: { readonly seq: number; readonly hash: string } | null;
  readonly checkpoints: readonly HeldCheckpoint[];
  /** Whether events may be left out, as a filter does. */
  readonly gaps: boolean;
}

export function createChainCheck({ after, checkpoints, gaps }: ChainCheckOptions) {
  const pending = [...checkpoints].sort((a, b) => a.seq - b.seq);
  let last = after;
  let first: number | null = null;
  let at = 0;
  let confirmed = 0;
  let pieces = 0;
  let count = 0;

  /** What is wrong with where an event stands, or with what it holds. */
  function wrong({ seq, prevHash }: Link, content: string | null): Problem | null {
    const expected = last === null ? seq : last.seq + 1;
    if (seq < expected) return { seq, problem: `event ${seq} was inserted: it stands twice or out of order` };
    if (seq > expected && !gaps) return { seq: expected, problem: missing(expected, seq - 1) };
    if (content) return { seq, problem: content };
    if (last !== null && seq === expected && prevHash !== last.hash)
      return { seq, problem: `event ${seq} does not follow the one before it: one of them was replaced` };
    return null;
  }

  /** Counts what was found right, up to its last event. */
  function add(from: Link, to: Link, events: number, unbroken: number): void {
    pieces += first !== null && last !== null && from.seq === last.seq + 1 ? unbroken - 1 : unbroken;
    first ??= from.seq;
    count += events;
    last = { seq: to.seq, hash: to.hash };
  }

  /** Takes the next event; `content` is what is wrong with what it holds. Says what is wrong with it, or with its place. */
  function take(link: Link, content: string | null): Problem | null {
    const problem = wrong(link, content);
    if (problem) return problem;
    add(link, link, 1, 1);
    return agrees(link);
  }

  /** Takes the next events, which have been checked among themselves and against the checkpoints. */
  function join(stretch: Stretch): Problem | null {
    const { first: begin, last: end, problem } = stretch;
    const atBegin = problem?.seq === begin.seq ? problem.problem : null;
    const found = wrong(begin, atBegin) ?? problem;
    if (found) return found;
    add(begin, end, stretch.count, stretch.pieces);
    confirmed = Math.max(confirmed, stretch.confirmed);
    return null;
  }

  /** The checkpoints of this event. Those of events that were left out say nothing here. */
  function agrees({ seq, hash }: Link): Problem | null {
    for (let checkpoint = pending[at]; checkpoint && checkpoint.seq <= seq; checkpoint = pending[at]) {
      at += 1;
      if (checkpoint.seq < seq) continue;
      if (checkpoint.hash !== hash) {
        const when = `the checkpoint of ${checkpoint.madeAt}`;
        return { seq, problem: `event ${seq} is not the one that ${when} names: the log was rewritten` };
      }
      if (checkpoint.proved) confirmed = seq;
    }
    return null;
  }

  return {
    take,
    join,

    /** What is missing behind the last event, by the checkpoints and by where the log is known to end. */
    finish(end: { readonly seq: number } | null): Problem | null {
      const reached = last?.seq ?? 0;
      const beyond = pending.at(-1);
      if (beyond && beyond.seq > reached) {
        const problem = `${missing(reached + 1, beyond.seq)}: the checkpoint of ${beyond.madeAt} names event ${beyond.seq}`;
        return { seq: reached + 1, problem };
      }
      if (end && end.seq > reached && !gaps) return { seq: reached + 1, problem: missing(reached + 1, end.seq) };
      return null;
    },

    summary() {
      return { count, first: first ?? 0, seq: last?.seq ?? 0, hash: last?.hash ?? '', pieces, confirmed };
    },
  };
}
