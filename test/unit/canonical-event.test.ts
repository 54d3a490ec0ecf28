// The hash of a sealed event: any change of any field changes it, and erasing who it was does not.
import { createHash } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import canonicalize from 'canonicalize';
import fc from 'fast-check';
import {
  canonicalAddress,
  checkEvent,
  digest,
  GENESIS_HASH,
  hashEvent,
  hashPersonal,
  personalText,
  placedSalt,
  type SealedEvent,
  sealedText,
} from '../../src/core/audit/canonical-event.ts';

const text = fc.string({ unit: 'grapheme', maxLength: 20 });
const bytes = (length: number) =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((one) => Buffer.from(one));
const date = fc.date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true });
const scalar = fc.oneof(text, fc.integer(), fc.boolean(), fc.constant(null));
const detail = fc.dictionary(text, scalar, { maxKeys: 4, noNullPrototype: true });

/** An event as it was sealed after another. */
const sealed = fc
  .record({
    seq: fc.integer({ min: 1, max: 2 ** 40 }),
    sealedAt: date,
    id: fc.uuid(),
    occurredAt: date,
    type: text,
    outcome: text,
    actor: fc.option(fc.uuid()),
    subject: fc.option(fc.uuid()),
    session: fc.option(fc.uuid()),
    requestId: fc.option(text),
    detail,
    ip: fc.option(fc.oneof(fc.ipV4(), fc.ipV6()).map((ip) => canonicalAddress(ip))),
    userAgent: fc.option(text),
    salt: bytes(16),
    place: fc.option(text),
    prevHash: bytes(32),
  })
  .map(({ salt, ...plain }): SealedEvent => {
    const { place } = plain;
    const personalSalt = place === null ? salt : Buffer.from(placedSalt(salt.toString('hex'), place), 'hex');
    const event = { ...plain, personalSalt };
    const unsealed = { ...event, personalHash: hashPersonal(event.personalSalt, event) };
    return { ...unsealed, hash: hashEvent(unsealed) };
  });

const expectedOf = ({ seq, prevHash }: SealedEvent) => ({ seq, prevHash });

/** For each field, other values that it may be changed to. */
const OTHERS: Readonly<Partial<Record<keyof SealedEvent, fc.Arbitrary<unknown>>>> = {
  sealedAt: date,
  id: fc.uuid(),
  occurredAt: date,
  type: text,
  outcome: text,
  actor: fc.option(fc.uuid()),
  subject: fc.option(fc.uuid()),
  session: fc.option(fc.uuid()),
  requestId: fc.option(text),
  detail,
  place: fc.option(text),
  personalHash: bytes(32),
  prevHash: bytes(32),
};

const same = (a: unknown, b: unknown) => {
  try {
    expect(a).toEqual(b);
    return true;
  } catch {
    return false;
  }
};

describe('what is chained', () => {
  const jsonText = fc.string({ unit: 'binary', maxLength: 30 }).map((one) => one.toWellFormed());

  test('is the canonical JSON of the library, whatever the values', () => {
    const values = fc.record({
      type: jsonText,
      outcome: jsonText,
      requestId: fc.option(jsonText),
      userAgent: fc.option(jsonText),
    });
    fc.assert(
      fc.property(sealed, values, fc.jsonValue(), ({ ip, personalHash, ...event }, { userAgent, ...odd }, nested) => {
        const fields = { ...event, ...odd, detail: { ...event.detail, nested } as unknown as SealedEvent['detail'] };
        const personal = personalHash.toString('base64url');
        const moments = { sealedAt: event.sealedAt.toISOString(), occurredAt: event.occurredAt.toISOString() };
        const { prevHash, hash, personalSalt, place, ...rest } = { ...fields, ...moments, userAgent: undefined };
        expect(sealedText({ ...fields, ...moments, personal })).toBe(canonicalize({ v: 1, personal, ...rest }));
        expect(personalText({ ip, userAgent })).toBe(canonicalize({ ip, userAgent }));
      }),
    );
  });

  test('is hashed as SHA-256, also when it is long and not in ASCII', () => {
    for (const one of ['', 'a', '€😀'.repeat(9_000)]) {
      const expected = createHash('sha256').update(GENESIS_HASH).update(one).digest('hex');
      expect(digest(GENESIS_HASH, one, 'hex')).toBe(expected);
    }
  });
});

describe('an event', () => {
  test('is in order as it was sealed', () => {
    fc.assert(fc.property(sealed, (event) => expect(checkEvent(event, expectedOf(event))).toBeNull()));
  });

  test('proves itself to a version that knows no places, and where its place is not told', () => {
    fc.assert(
      fc.property(sealed, ({ place: _, ...event }) => {
        expect(hashPersonal(event.personalSalt as Buffer, event).equals(event.personalHash)).toBe(true);
        expect(checkEvent(event, expectedOf(event))).toBeNull();
      }),
    );
  });

  test.each(Object.entries(OTHERS))('has another hash with another %s', (field, others) => {
    fc.assert(
      fc.property(sealed, others, (event, other) => {
        fc.pre(!same(event[field as keyof SealedEvent], other));
        const changed = { ...event, [field]: other } as SealedEvent;
        if (field !== 'place') expect(hashEvent(changed).equals(event.hash)).toBe(false);
        expect(checkEvent(changed, expectedOf(event))).toMatch(/was altered/);
      }),
    );
  });

  test('has another hash at another place', () => {
    fc.assert(
      fc.property(sealed, fc.integer({ min: 1, max: 2 ** 40 }), (event, seq) => {
        fc.pre(seq !== event.seq);
        expect(hashEvent({ ...event, seq }).equals(event.hash)).toBe(false);
        const problem = checkEvent({ ...event, seq }, expectedOf(event));
        expect(problem).toMatch(seq > event.seq ? /missing/ : /inserted/);
      }),
    );
  });

  test.each(['ip', 'userAgent'] as const)('is found altered with another %s', (field) => {
    fc.assert(
      fc.property(sealed, field === 'ip' ? fc.option(fc.ipV4()) : fc.option(text), (event, other) => {
        fc.pre(event[field] !== other);
        expect(checkEvent({ ...event, [field]: other }, expectedOf(event))).toBe(
          `event ${event.seq} was altered: address or browser`,
        );
      }),
    );
  });

  test('keeps its hash when its personal values are erased, and is found out if they come back', () => {
    fc.assert(
      fc.property(sealed, (event) => {
        const erased = { ...event, ip: null, userAgent: null, place: null, personalSalt: null };
        expect(hashEvent(erased).equals(event.hash)).toBe(true);
        expect(checkEvent(erased, expectedOf(event))).toBeNull();
        expect(checkEvent({ ...erased, ip: '203.0.113.1' }, expectedOf(event))).toMatch(/erased values came back/);
        expect(checkEvent({ ...erased, userAgent: '' }, expectedOf(event))).toMatch(/erased values came back/);
        expect(checkEvent({ ...erased, place: '' }, expectedOf(event))).toMatch(/erased values came back/);
      }),
    );
  });

  test('that follows another than the one before it is found', () => {
    fc.assert(
      fc.property(sealed, bytes(32), (event, prevHash) => {
        fc.pre(!prevHash.equals(event.prevHash));
        expect(checkEvent(event, { seq: event.seq, prevHash })).toMatch(/does not follow the one before it/);
      }),
    );
  });

  test('has the hash that it always had', () => {
    const salt = Buffer.alloc(16, 7);
    const event = {
      seq: 1,
      sealedAt: new Date('2026-11-23T19:07:06.000Z'),
      id: '018f0000-0000-7000-8000-000000000001',
      occurredAt: new Date('2026-11-23T19:07:05.123Z'),
      type: 'authn_login_success',
      outcome: 'success',
      actor: '018f0000-0000-7000-8000-000000000002',
      subject: null,
      session: null,
      requestId: 'r-1',
      detail: { b: 1, a: 'é', '€': null },
      ip: '2001:db8::1',
      userAgent: 'curl/8.5.0',
      personalSalt: salt,
      personalHash: hashPersonal(salt, { ip: '2001:DB8::0:1', userAgent: 'curl/8.5.0' }),
      prevHash: GENESIS_HASH,
    };
    expect(event.personalHash.toString('hex')).toBe('0f3976c9e346a8f1057c564ee95a33294af183e9a78ab4da2c2b97a6761131a0');
    expect(hashEvent(event).toString('hex')).toBe('4251bf0c4bb41187ef062d05c87148ae23a805a929f5bf81d4d9cde6fe3f3f12');
  });
});

describe('personal values', () => {
  test('are told apart by their salt, so that nobody finds an address by trying all of them', () => {
    const values = { ip: '203.0.113.1', userAgent: null };
    const [one, two] = [Buffer.alloc(16, 1), Buffer.alloc(16, 2)].map((salt) => hashPersonal(salt, values));
    expect(one?.equals(two ?? Buffer.alloc(0))).toBe(false);
  });

  test.each([
    ['2001:DB8:0::1', '2001:db8::1'],
    ['::ffff:203.0.113.1', '203.0.113.1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['203.0.113.1', '203.0.113.1'],
    ['203.0.113.1:80', null],
    ['1', null],
    ['', null],
    [null, null],
  ])('an address is kept in one spelling: %s', (given, kept) => expect(canonicalAddress(given)).toBe(kept));
});
