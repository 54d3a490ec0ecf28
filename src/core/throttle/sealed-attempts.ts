// When an event is sealed, its log-in attempt and the block that began with it get their records.
import type pg from 'pg';
import type { ChainedEvent } from '../audit/append.ts';
import type { Notes } from '../audit/outbox-notes.ts';
import type { SealingFollower } from '../audit/sealing.ts';

interface Attempt {
  readonly event: ChainedEvent;
  readonly identifierHash: Buffer;
  readonly device: string | null;
}

export const sealedAttempts: SealingFollower = {
  begin: () => ({ write: insertNotes }),
};

/** In the transaction that seals the batch. */
export async function insertNotes(
  client: pg.ClientBase,
  events: readonly ChainedEvent[],
  notes: readonly Notes[],
): Promise<void> {
  await insertAttempts(client, attemptsOf(notes, events));
  await insertBlocks(client, notes, events);
}

function attemptsOf(rows: readonly Notes[], events: readonly ChainedEvent[]): Attempt[] {
  return rows.flatMap(({ attempt }, index) => {
    const event = events[index];
    if (!attempt || !event) return [];
    const identifierHash = Buffer.from(attempt.identifierHash, 'base64url');
    return [{ event, identifierHash, device: attempt.device ?? null }];
  });
}

async function insertAttempts(client: pg.ClientBase, attempts: readonly Attempt[]): Promise<void> {
  if (attempts.length === 0) return;
  await client.query({
    name: 'seal-attempts',
    text: `INSERT INTO login_attempt (id, occurred_at, user_id, identifier_hash, ip, user_agent, outcome, reason, request_id,
                                      device_id)
           SELECT * FROM unnest($1::uuid[], $2::timestamptz[], $3::uuid[], $4::bytea[], $5::inet[], $6::text[], $7::text[],
                                $8::text[], $9::text[], $10::uuid[])
           ON CONFLICT (id) DO NOTHING`,
    values: [
      attempts.map(({ event }) => event.id),
      attempts.map(({ event }) => event.occurredAt),
      attempts.map(({ event }) => event.subject),
      attempts.map(({ identifierHash }) => identifierHash),
      attempts.map(({ event }) => event.ip),
      attempts.map(({ event }) => event.userAgent),
      attempts.map(({ event }) => event.outcome),
      attempts.map(({ event }) => reasonOf(event)),
      attempts.map(({ event }) => event.requestId),
      attempts.map(({ device }) => device),
    ],
  });
}

function reasonOf({ detail: { reason } }: ChainedEvent): string | null {
  return typeof reason === 'string' ? reason : null;
}

async function insertBlocks(
  client: pg.ClientBase,
  rows: readonly Notes[],
  events: readonly ChainedEvent[],
): Promise<void> {
  for (const [index, { block }] of rows.entries()) {
    const event = events[index];
    if (!block || !event) continue;
    await client.query({
      name: 'seal-block',
      text: `INSERT INTO throttle_block (id, scope, key, user_id, ip, started_at, until_at, failures)
             VALUES ($1, $2, $3, $4, $5, $6, $6::timestamptz + $7 * interval '1 millisecond', $8) ON CONFLICT (id) DO NOTHING`,
      values: [
        block.id,
        block.scope,
        block.key,
        event.subject,
        block.scope === 'account' || block.scope === 'mailbox' ? null : event.ip,
        event.occurredAt,
        block.lastsMs,
        block.failures,
      ],
    });
  }
}
