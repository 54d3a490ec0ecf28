// An event in the Open Cybersecurity Schema Framework: Authentication, Account Change or Entity Management where one fits,
// else the Base Event. What it has no attribute for stands under `unmapped`.
import type { ExportedEvent } from '../../audit/event-rows.ts';
import { CLASSES, GRAVE, type Meaning, meaningOf } from './meanings.ts';

export const OCSF_VERSION = '1.5.0';

const OTHER = 99;
const IAM = 3;
const SEVERITY = { informational: 1, low: 2, high: 4 } as const;
const UNKNOWN_USER = { name: 'unknown', type_id: 0 };

export function ocsfEvent(event: ExportedEvent): Readonly<Record<string, unknown>> {
  const { type, actor, session, requestId, ip, userAgent, detail, hash, prevHash } = event;
  const meaning = meaningOf(type);
  const classUid = CLASSES[meaning.class];
  const request = {
    ...(userAgent === null ? {} : { user_agent: userAgent }),
    ...(requestId === null ? {} : { uid: requestId }),
  };
  const { reason } = detail;
  return {
    ...(meaning.activity === OTHER ? { activity_name: type } : {}),
    activity_id: meaning.activity,
    category_uid: classUid === 0 ? 0 : IAM,
    class_uid: classUid,
    type_uid: classUid * 100 + meaning.activity,
    time: Date.parse(event.occurredAt),
    severity_id: severityOf(event),
    status_id: event.outcome === 'success' ? 1 : event.outcome === 'failure' ? 2 : 0,
    ...(typeof reason === 'string' ? { status_detail: reason } : {}),
    message: type,
    metadata: metadataOf(event),
    ...(actor === null && session === null
      ? {}
      : {
          actor: {
            ...(actor === null ? {} : { user: { uid: actor } }),
            ...(session === null ? {} : { session: { uid: session } }),
          },
        }),
    ...(ip === null ? {} : { src_endpoint: { ip } }),
    ...(Object.keys(request).length === 0 ? {} : { http_request: request }),
    ...aboutOf(meaning, event),
    unmapped: { detail, hash, previous_hash: prevHash },
  };
}

function severityOf({ type, outcome }: ExportedEvent): number {
  if (GRAVE.has(type)) return SEVERITY.high;
  return outcome === 'failure' ? SEVERITY.low : SEVERITY.informational;
}

function metadataOf({ id, seq, type, sealedAt, requestId }: ExportedEvent) {
  return {
    version: OCSF_VERSION,
    product: { name: 'Holdfast', vendor_name: 'Holdfast' },
    log_name: 'audit',
    uid: id,
    sequence: seq,
    event_code: type,
    logged_time: Date.parse(sealedAt),
    ...(requestId === null ? {} : { correlation_uid: requestId }),
  };
}

/** What the class asks for. */
function aboutOf({ class: name, entity = '' }: Meaning, { subject, actor, session, detail }: ExportedEvent) {
  const who = subject ?? actor;
  const user = who === null ? UNKNOWN_USER : { uid: who };
  if (name === 'Account Change') return { user };
  if (name === 'Authentication')
    return {
      user,
      service: { name: 'Holdfast' },
      is_remote: true,
      ...(session === null ? {} : { session: { uid: session } }),
    };
  if (name !== 'Entity Management') return {};
  const named = ['drain', 'slug', 'group', 'name'].map((key) => detail[key]).find((value) => typeof value === 'string');
  return { entity: { type: entity, name: named ?? entity, ...(subject === null ? {} : { uid: subject }) } };
}
