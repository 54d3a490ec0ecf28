// Whether consecutive events are one unbroken chain that agrees with the checkpoints. Takes each
// event's number and hashes, and names the first event that is wrong.
import { missing, type SealedEvent } from '../canonical-event.ts';
import type { HeldCheckpoint } from './held-checkpoints.ts';

export interface ChainLink {
  readonly seq: number;
  /** Both base64url. */
  readonly prevHash: string;
  readonly hash: string;
}

export function linkOf({ seq, prevHash, hash }: SealedEvent): ChainLink {
  return { seq, prevHash: prevHash.toString('base64url'), hash: hash.toString('base64url') };
}

/** Where a part of the chain ends. */
export type ChainEnd = Pick<ChainLink, 'seq' | 'hash'>;

export interface Problem {
  readonly seq: number;
  readonly problem: string;
  /** Events are missing before one that is there. */
  readonly isGap?: true;
  /** Events of an older epoch of PostgreSQL, which a failover has lost: the numbers at most. */
  readonly lost?: { readonly from: number; readonly to: number };
}

/** Consecutive events, checked except for what comes before them. */
export interface CheckedPart {
  readonly first: ChainLink;
  readonly last: ChainLink;
  readonly count: number;
  readonly pieces: number;
  readonly confirmed: number;
  /** The first events that are left out; null: none. */
  readonly gap: Gap | null;
  /** The first event that is wrong; what follows it was not checked. */
  readonly problem: Problem | null;
}

export interface Gap {
  readonly first: number;
  readonly last: number;
}

export interface ChainCheckOptions {
  /** What the first event must follow; null: its `prevHash` is trusted. */
  readonly after: ChainEnd | null;
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
  let gap: Gap | null = null;

  function wrong({ seq, prevHash }: ChainLink, content: string | null): Problem | null {
    const expected = last === null ? seq : last.seq + 1;
    if (seq < expected) return { seq, problem: `event ${seq} was inserted: it stands twice or out of order` };
    if (seq > expected) gap ??= { first: expected, last: seq - 1 };
    if (seq > expected && !gaps) return { seq: expected, problem: missing(expected, seq - 1), isGap: true };
    if (content) return { seq, problem: content };
    if (last !== null && seq === expected && prevHash !== last.hash)
      return { seq, problem: `event ${seq} does not follow the one before it: one of them was replaced` };
    return null;
  }

  function add(from: ChainLink, to: ChainLink, events: number, unbroken: number): void {
    pieces += first !== null && last !== null && from.seq === last.seq + 1 ? unbroken - 1 : unbroken;
    first ??= from.seq;
    count += events;
    last = { seq: to.seq, hash: to.hash };
  }

  /** A checkpoint of an event that was left out says nothing here. */
  function agrees({ seq, hash }: ChainLink): Problem | null {
    for (let checkpoint = pending[at]; checkpoint && checkpoint.seq <= seq; checkpoint = pending[at]) {
      at += 1;
      if (checkpoint.seq < seq) continue;
      if (checkpoint.hash !== hash) {
        const when = `the checkpoint of ${checkpoint.madeAt}`;
        const problem = `event ${seq} is not the one that ${when} names: the log was rewritten`;
        return { seq, problem };
      }
      if (checkpoint.proved) confirmed = seq;
    }
    return null;
  }

  return {
    /** Adds an event; `content` is what is wrong with its values. Returns what is wrong, or null. */
    take(link: ChainLink, content: string | null): Problem | null {
      const problem = wrong(link, content);
      if (problem) return problem;
      add(link, link, 1, 1);
      return agrees(link);
    },

    /** Adds a part that was checked by itself, also against the checkpoints. */
    join(part: CheckedPart): Problem | null {
      const { first: begin, last: end, problem } = part;
      const atBegin = problem?.seq === begin.seq ? problem.problem : null;
      const found = wrong(begin, atBegin);
      if (found) return found;
      add(begin, end, part.count, part.pieces);
      gap ??= part.gap;
      confirmed = Math.max(confirmed, part.confirmed);
      return problem;
    },

    /** What is missing after the last event, by the known end of the log and the checkpoints up to it. */
    finish(end: { readonly seq: number } | null, upTo = Number.POSITIVE_INFINITY): Problem | null {
      const reached = last?.seq ?? 0;
      const beyond = pending.findLast(({ seq }) => seq <= upTo);
      if (beyond && beyond.seq > reached) {
        const problem = `${missing(reached + 1, beyond.seq)}: the checkpoint of ${beyond.madeAt} names event ${beyond.seq}`;
        return { seq: reached + 1, problem };
      }
      if (end && end.seq > reached) return { seq: reached + 1, problem: missing(reached + 1, end.seq) };
      return null;
    },

    /** The first events that are left out; null: none. */
    gap: () => gap,

    summary() {
      return { count, first: first ?? 0, seq: last?.seq ?? 0, hash: last?.hash ?? '', pieces, confirmed };
    },
  };
}
