// What anybody can repeat at will is folded into a few events.
import { describe, expect, test } from '@jest/globals';
import type { NewAuditEvent } from '../../src/core/audit/events.ts';
import { createFoldedEvents, FOLDED_MS } from '../../src/core/audit/folded-events.ts';

describe('folded events', () => {
  const event: NewAuditEvent = {
    type: 'malicious_csrf',
    outcome: 'failure',
    actor: null,
    subject: null,
    origin: { ip: '203.0.113.7', userAgent: null, requestId: null },
    detail: { path: '/' },
  };

  function folding() {
    const recorded: NewAuditEvent[] = [];
    const clock = { now: 0, away: false };
    const folded = createFoldedEvents({
      clientOf: (ip) => String(ip),
      async record(one) {
        if (clock.away) throw new Error('PostgreSQL is away');
        recorded.push(one);
      },
      onError: () => undefined,
      now: () => clock.now,
    });
    return { recorded, clock, folded };
  }

  test('are one at once, one with the number of the rest, and begin anew after ten minutes', async () => {
    const { recorded, clock, folded } = folding();
    for (let count = 0; count < 1_000; count += 1) await folded.note(event);
    expect(recorded).toEqual([event]);
    clock.now = FOLDED_MS;
    await folded.note(event);
    expect(recorded.map(({ detail }) => detail)).toEqual([{ path: '/' }, { path: '/', repeated: 999 }, { path: '/' }]);
    await folded.close();
    expect(recorded).toHaveLength(3);
  });

  test('of ever more clients become one kind', async () => {
    const { recorded, folded } = folding();
    for (let client = 0; client < 5_000; client += 1)
      await folded.note({ ...event, origin: { ...event.origin, ip: `client ${client}` } });
    expect(recorded).toHaveLength(1_001);
    await folded.close();
    expect(recorded).toHaveLength(1_002);
    expect(recorded.at(-1)).toMatchObject({ origin: { ip: null }, detail: { clients: 'many', repeated: 3_999 } });
  });

  test('that could not be recorded are the first again', async () => {
    const { recorded, clock, folded } = folding();
    clock.away = true;
    await expect(folded.note(event)).rejects.toThrow('away');
    clock.away = false;
    await folded.note(event);
    expect(recorded).toEqual([event]);
    await folded.close();
  });
});
