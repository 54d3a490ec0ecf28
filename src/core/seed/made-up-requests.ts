// Requests that never happened, and the events of each.
import type { AuditEventType, Detail, Outcome } from '../audit/events.ts';
import type { KnownEvent } from '../audit/outbox-event.ts';
import type { Notes } from '../audit/outbox-notes.ts';
import { hashToken } from '../credentials/random-token.ts';
import { type Person, type Random, uuidAt } from './made-up-people.ts';

export interface MadeUp extends Notes {
  readonly event: KnownEvent;
}

/** Who makes a request, and from where; all null for what a process does by itself. */
export interface Requester {
  readonly person: Person | null;
  readonly ip: string | null;
  readonly userAgent: string | null;
}

export const NOBODY: Requester = { person: null, ip: null, userAgent: null };

interface Telling {
  readonly detail: Detail;
  readonly session: string;
  readonly actor: string | null;
  readonly subject: string | null;
  /** The address as typed, for the record of the attempt. */
  readonly identifier: string;
  readonly block: NonNullable<Notes['block']>;
}

export type MakeRequest = ReturnType<typeof createRequests>;

/** `prefix` begins the id of every request. */
export function createRequests({ random, prefix }: { random: Random; prefix: string }) {
  let requests = 0;
  return (time: number, { person, ip, userAgent }: Requester) => {
    requests += 1;
    const requestId = ip === null ? null : `${prefix}-${requests.toString(36)}`;
    const told: MadeUp[] = [];
    return {
      told,
      /** Adds an event. Actor and subject are the requester unless given. */
      tell(type: AuditEventType, outcome: Outcome, telling: Partial<Telling> = {}) {
        const { detail, session = null, actor, subject, identifier, block = null } = telling;
        told.push({
          event: {
            id: uuidAt(random, time),
            occurredAt: new Date(time),
            type,
            outcome,
            actor: actor === undefined ? (person?.id ?? null) : actor,
            subject: subject === undefined ? (person?.id ?? null) : subject,
            session,
            requestId,
            ip,
            userAgent,
            detail: { ...detail, made_up: true },
          },
          attempt: identifier === undefined ? null : { identifierHash: identifierHashOf(identifier), device: null },
          block,
        });
      },
    };
  };
}

function identifierHashOf(typed: string): string {
  return hashToken(typed).toString('base64url');
}
