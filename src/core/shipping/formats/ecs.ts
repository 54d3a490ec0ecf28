// An event in the Elastic Common Schema, which OpenSearch and others read too. What it has no field for stands under
// `holdfast`.
import type { ExportedEvent } from '../../audit/event-rows.ts';
import { meaningOf } from './meanings.ts';

export const ECS_VERSION = '8.17.0';

/** Absent parts are left out. */
export function ecsEvent(event: ExportedEvent): Readonly<Record<string, unknown>> {
  const { seq, id, type, outcome, actor, subject, session, requestId, ip, userAgent, detail, hash, prevHash } = event;
  const { category, types } = meaningOf(type);
  const known = outcome === 'success' || outcome === 'failure' ? outcome : 'unknown';
  const who = actor ?? subject;
  const target = actor !== null && subject !== null && subject !== actor ? { target: { id: subject } } : {};
  const users = [...new Set([actor, subject])].filter((one) => one !== null);
  return {
    '@timestamp': event.occurredAt,
    ecs: { version: ECS_VERSION },
    event: {
      kind: 'event',
      ...(category === null ? {} : { category: [category] }),
      type: [...types],
      action: type,
      outcome: known,
      id,
      sequence: seq,
      created: event.sealedAt,
      module: 'holdfast',
      dataset: 'holdfast.audit',
      hash,
    },
    service: { name: 'holdfast', type: 'holdfast' },
    ...(who === null ? {} : { user: { id: who, ...target } }),
    ...(ip === null ? {} : { source: { ip, address: ip } }),
    ...(userAgent === null ? {} : { user_agent: { original: userAgent } }),
    ...(requestId === null ? {} : { http: { request: { id: requestId } } }),
    related: { ...(users.length > 0 ? { user: users } : {}), ...(ip === null ? {} : { ip: [ip] }) },
    holdfast: { ...(session === null ? {} : { session }), previous_hash: prevHash, detail },
  };
}
