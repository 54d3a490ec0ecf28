// What anybody can repeat at will, such as a forged form, is folded: the first of a kind is recorded at once, and what follows
// within ten minutes is one more event with their number. So a flood writes two events, not one a request. Each process counts
// for itself; one that is killed loses the number, never the first event.
import { type NewAuditEvent, NO_ORIGIN } from './events.ts';

export const FOLDED_MS = 600_000;
const LOOK_EVERY_MS = 60_000;
/** Kinds counted at once. Beyond them all of a type are one, so that many clients fill neither memory nor log. */
const MOST_KINDS = 1_000;

interface Open {
  readonly event: NewAuditEvent;
  readonly since: number;
  more: number;
}

export interface FoldedEventsOptions {
  readonly record: (event: NewAuditEvent) => Promise<void>;
  readonly onError: (error: unknown) => void;
  /** What counts as one client. */
  readonly clientOf: (ip: string | null) => string;
  /** Milliseconds that only go forward. */
  readonly now?: () => number;
}

export function createFoldedEvents(options: FoldedEventsOptions) {
  const { record, onError, clientOf, now = () => performance.now() } = options;
  const open = new Map<string, Open>();
  const looking = setInterval(() => void finish((since) => now() - since >= FOLDED_MS), LOOK_EVERY_MS);
  looking.unref();

  async function finish(isOver: (since: number) => boolean): Promise<void> {
    const over = [...open].filter(([, { since }]) => isOver(since));
    for (const [kind] of over) open.delete(kind);
    for (const [, { event, more }] of over) {
      if (more > 0) await record({ ...event, detail: { ...event.detail, repeated: more } }).catch(onError);
    }
  }

  return {
    /**
     * Records an event, or counts it with the first of its kind: of one type and reason, by one account or, of nobody
     * known, one client. Throws if a first one can't be recorded; the next is then the first again.
     */
    async note(event: NewAuditEvent): Promise<void> {
      const own = [event.type, event.actor ?? clientOf(event.origin.ip), event.detail?.['reason']].join(' ');
      const isOne = open.has(own) || open.size < MOST_KINDS;
      const [kind, first] = isOne ? [own, event] : [event.type, ofMany(event)];
      const known = open.get(kind);
      if (known !== undefined && now() - known.since < FOLDED_MS) {
        known.more += 1;
        return;
      }
      if (known !== undefined) await finish((since) => since === known.since);
      open.set(kind, { event: first, since: now(), more: 0 });
      try {
        await record(first);
      } catch (error) {
        open.delete(kind);
        throw error;
      }
    },

    /** Records the numbers so far, as a process does that stops. */
    async close(): Promise<void> {
      clearInterval(looking);
      await finish(() => true);
    },
  };
}

function ofMany({ type, outcome }: NewAuditEvent): NewAuditEvent {
  return { type, outcome, actor: null, subject: null, origin: NO_ORIGIN, detail: { clients: 'many' } };
}
