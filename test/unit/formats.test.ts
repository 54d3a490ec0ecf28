// What an event becomes in ECS and OCSF.
import { describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import type { ExportedEvent } from '../../src/core/audit/event-rows.ts';
import { AUDIT_EVENTS } from '../../src/core/audit/events.ts';
import { ECS_VERSION } from '../../src/core/shipping/formats/ecs.ts';
import { formatOf } from '../../src/core/shipping/formats/format.ts';
import { OCSF_VERSION } from '../../src/core/shipping/formats/ocsf.ts';

const TYPES = Object.values(AUDIT_EVENTS).flatMap((events) => Object.keys(events));

const WHOLE: ExportedEvent = {
  seq: 42,
  sealedAt: '2026-11-24T13:07:06.000Z',
  id: '018f0000-0000-7000-8000-000000000001',
  occurredAt: '2026-11-24T13:07:05.123Z',
  type: 'authn_login_success',
  outcome: 'success',
  actor: '018f0000-0000-7000-8000-00000000000a',
  subject: '018f0000-0000-7000-8000-00000000000b',
  session: '018f0000-0000-7000-8000-00000000000c',
  requestId: 'r-1',
  detail: { reason: 'why', method: 'password' },
  personal: 'cGVyc29uYWw',
  ip: '2001:db8::1',
  userAgent: 'Firefox \u202e evil',
  personalSalt: 'c2FsdA',
  prevHash: 'cHJldg',
  hash: 'aGFzaA',
};
const BARE: ExportedEvent = {
  ...WHOLE,
  outcome: 'unknown',
  actor: null,
  subject: null,
  session: null,
  requestId: null,
  detail: {},
  ip: null,
  userAgent: null,
  personalSalt: null,
};
const as = (format: 'ecs' | 'ocsf', event: ExportedEvent) =>
  JSON.parse(formatOf(format)(event)) as Record<string, unknown>;

describe('ECS', () => {
  test('has who, whom, from where and what under its own names', () => {
    expect(as('ecs', WHOLE)).toEqual({
      '@timestamp': '2026-11-24T13:07:05.123Z',
      ecs: { version: ECS_VERSION },
      event: {
        kind: 'event',
        category: ['authentication'],
        type: ['start'],
        action: 'authn_login_success',
        outcome: 'success',
        id: WHOLE.id,
        sequence: 42,
        created: '2026-11-24T13:07:06.000Z',
        module: 'holdfast',
        dataset: 'holdfast.audit',
        hash: 'aGFzaA',
      },
      service: { name: 'holdfast', type: 'holdfast' },
      user: { id: WHOLE.actor, target: { id: WHOLE.subject } },
      source: { ip: '2001:db8::1', address: '2001:db8::1' },
      user_agent: { original: 'Firefox \u202e evil' },
      http: { request: { id: 'r-1' } },
      related: { user: [WHOLE.actor, WHOLE.subject], ip: ['2001:db8::1'] },
      holdfast: { session: WHOLE.session, previous_hash: 'cHJldg', detail: { reason: 'why', method: 'password' } },
    });
    expect(as('ecs', { ...BARE, subject: WHOLE.subject })['user']).toEqual({ id: WHOLE.subject });
  });

  /** Those that ECS allows. */
  const CATEGORIES = [
    ...['api', 'authentication', 'configuration', 'database', 'driver', 'email', 'file', 'host', 'iam', 'library'],
    ...['intrusion_detection', 'malware', 'network', 'package', 'process', 'registry', 'session', 'threat'],
    ...['vulnerability', 'web'],
  ];
  const ALLOWED = [
    ...[
      'access',
      'admin',
      'allowed',
      'change',
      'connection',
      'creation',
      'deletion',
      'denied',
      'device',
      'end',
      'error',
    ],
    ...['group', 'indicator', 'info', 'installation', 'protocol', 'start', 'user'],
  ];

  test.each(TYPES)('%s has a category and types that there are', (type) => {
    const { event } = z
      .object({
        event: z.object({ category: z.array(z.enum(CATEGORIES)).optional(), type: z.array(z.enum(ALLOWED)).min(1) }),
      })
      .parse(as('ecs', { ...WHOLE, type }));
    expect(event.type.length).toBeGreaterThan(0);
  });
});

const user = z.strictObject({
  uid: z.string().optional(),
  name: z.string().optional(),
  type_id: z.literal(0).optional(),
});
const session = z.strictObject({ uid: z.string() });
const common = {
  activity_name: z.string().optional(),
  severity_id: z.int().min(1).max(4),
  status_id: z.int().min(0).max(2),
  status_detail: z.string().optional(),
  time: z.int().min(1_700_000_000_000),
  type_uid: z.int(),
  message: z.string(),
  metadata: z.strictObject({
    version: z.literal(OCSF_VERSION),
    product: z.strictObject({ name: z.string(), vendor_name: z.string() }),
    log_name: z.string(),
    uid: z.string(),
    sequence: z.int(),
    event_code: z.string(),
    logged_time: z.int(),
    correlation_uid: z.string().optional(),
  }),
  actor: z.strictObject({ user: user.optional(), session: session.optional() }).optional(),
  src_endpoint: z.strictObject({ ip: z.string() }).optional(),
  http_request: z.strictObject({ user_agent: z.string().optional(), uid: z.string().optional() }).optional(),
  unmapped: z.record(z.string(), z.unknown()),
};
const activities = (most: number) => z.int().refine((id) => (id >= 1 && id <= most) || id === 99);
const iam = { ...common, category_uid: z.literal(3) };

/** The attributes of each class that we use, with those that it demands, as schema.ocsf.io has them. */
const OCSF = z.discriminatedUnion('class_uid', [
  z.strictObject({ ...common, category_uid: z.literal(0), class_uid: z.literal(0), activity_id: z.literal(99) }),
  z.strictObject({ ...iam, class_uid: z.literal(3_001), activity_id: activities(12), user }),
  z.strictObject({
    ...iam,
    class_uid: z.literal(3_002),
    activity_id: activities(6),
    user,
    service: z.strictObject({ name: z.string() }),
    session: session.optional(),
    is_remote: z.boolean(),
  }),
  z.strictObject({
    ...iam,
    class_uid: z.literal(3_004),
    activity_id: activities(13),
    entity: z.strictObject({ name: z.string(), type: z.string(), uid: z.string().optional() }),
  }),
]);

describe('OCSF', () => {
  test.each(TYPES)('%s has what its class demands, with all that an event can have and with nothing', (type) => {
    for (const event of [WHOLE, BARE]) {
      const read = OCSF.parse(as('ocsf', { ...event, type }));
      expect(read.type_uid).toBe(read.class_uid * 100 + read.activity_id);
      expect(read.activity_name).toBe(read.activity_id === 99 ? type : undefined);
    }
  });

  test('a log-in is a logon, a failure is one, and a type of a newer version is a base event', () => {
    expect(as('ocsf', WHOLE)).toMatchObject({
      class_uid: 3_002,
      activity_id: 1,
      type_uid: 300_201,
      status_id: 1,
      status_detail: 'why',
    });
    expect(as('ocsf', { ...WHOLE, type: 'authn_login_fail', outcome: 'failure' })).toMatchObject({
      type_uid: 300_201,
      status_id: 2,
    });
    expect(as('ocsf', { ...WHOLE, type: 'of_tomorrow' })).toMatchObject({
      class_uid: 0,
      type_uid: 99,
      activity_name: 'of_tomorrow',
    });
  });
});

test.each(['holdfast', 'ecs', 'ocsf'] as const)(
  '%s turns no text around, and says nothing that was erased',
  (format) => {
    expect(formatOf(format)(WHOLE)).toContain('\\u202e evil');
    expect(formatOf(format)({ ...WHOLE, ip: null, userAgent: null })).not.toMatch(/2001:db8|Firefox/);
  },
);

test('each type is short enough for MSGID of syslog', () => {
  expect(TYPES.filter((type) => type.length > 32)).toEqual([]);
});
