// docs/audit-formats.md, what each event becomes elsewhere, is made from the tables in the code. UPDATE_DOCS=1 writes it anew.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { AUDIT_EVENTS } from '../../src/core/audit/events.ts';
import { projectRoot } from '../../src/core/platform/project-root.ts';
import { ECS_VERSION } from '../../src/core/shipping/formats/ecs.ts';
import { CLASSES, meaningOf } from '../../src/core/shipping/formats/meanings.ts';
import { OCSF_VERSION } from '../../src/core/shipping/formats/ocsf.ts';

const FILE = path.join(projectRoot, 'docs', 'audit-formats.md');
const TYPES = Object.values(AUDIT_EVENTS).flatMap((events) => Object.keys(events));

function render(): string {
  const rows = TYPES.map((type) => {
    const { category, types, class: name, activity, entity } = meaningOf(type);
    const ecs = `${category === null ? '' : `\`${category}\` `}${types.map((one) => `\`${one}\``).join(' ')}`;
    return `| \`${type}\` | ${ecs} | ${name}${entity ? ` (${entity})` : ''} | ${CLASSES[name] * 100 + activity} |`;
  });
  return `# Formats of the log elsewhere

What an event becomes for [receivers of the log](operations.md#sending-the-log-elsewhere) with \`format: ecs\` or \`format: ocsf\`. The page
is made from the code (\`UPDATE_DOCS=1 npm test -- audit-events\`). \`format: holdfast\` is the line of an export.

| of an event | ECS ${ECS_VERSION} | OCSF ${OCSF_VERSION} |
| --- | --- | --- |
| type | \`event.action\` | \`metadata.event_code\` |
| number, id | \`event.sequence\`, \`event.id\` | \`metadata.sequence\`, \`metadata.uid\` |
| when it happened, when it was sealed | \`@timestamp\`, \`event.created\` | \`time\`, \`metadata.logged_time\` |
| outcome | \`event.outcome\` | \`status_id\`: 1 success, 2 failure |
| who did it | \`user.id\`; who it was done to where nobody is known | \`actor.user.uid\` |
| to whom | \`user.target.id\`, if it is somebody else | \`user.uid\`, \`entity.uid\`; \`unknown\` where a class asks for somebody and nobody is known |
| session | \`holdfast.session\` | \`actor.session.uid\`, \`session.uid\` |
| address, browser | \`source.ip\`, \`user_agent.original\` | \`src_endpoint.ip\`, \`http_request.user_agent\` |
| request | \`http.request.id\` | \`http_request.uid\`, \`metadata.correlation_uid\` |
| detail | \`holdfast.detail\` | \`unmapped.detail\`; the reason also \`status_detail\` |
| hash, hash before | \`event.hash\`, \`holdfast.previous_hash\` | \`unmapped.hash\`, \`unmapped.previous_hash\` |

| type | ECS: category, types | OCSF: class | \`type_uid\` |
| --- | --- | --- | --- |
${rows.join('\n')}
`;
}

test('docs/audit-formats.md says what the code does', () => {
  if (process.env['UPDATE_DOCS'] === '1') writeFileSync(FILE, render());
  expect(readFileSync(FILE, 'utf8')).toBe(render());
});
