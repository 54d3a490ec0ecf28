// docs/audit-events.md is made from the list in the code, so that the two can't differ. UPDATE_DOCS=1 writes it anew.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { AUDIT_EVENTS, ENDING_EVENTS } from '../../src/core/audit/events.ts';
import { projectRoot } from '../../src/core/platform/project-root.ts';

const FILE = path.join(projectRoot, 'docs', 'audit-events.md');

function render(): string {
  const groups = Object.entries(AUDIT_EVENTS).map(([group, events]) => {
    const rows = Object.entries(events).map(([type, meaning]) => `| \`${type}\` | ${meaning} |`);
    return [
      `## ${group[0]?.toUpperCase()}${group.slice(1)}`,
      '',
      '| type | what it tells |',
      '| --- | --- |',
      ...rows,
      '',
    ];
  });
  return [
    '# Audit events',
    '',
    'Every type of event that the audit log can hold. The list is closed: it stands in `src/core/audit/events.ts`, and this',
    'page is made from it (`UPDATE_DOCS=1 npm test -- audit-events`). Names are those of the OWASP Logging Vocabulary where it',
    'has one.',
    '',
    'Each event also tells its outcome, when it happened, who did it (actor), to whom (subject), in which session, from which',
    'address and browser, in which request, and details such as a reason. No password, token or cookie is ever among',
    'them, and no mail address but one that an operator has written into a reason or searched the details for.',
    '',
    ...groups.flat(),
  ].join('\n');
}

test('docs/audit-events.md lists the events that the code knows', () => {
  if (process.env['UPDATE_DOCS'] === '1') writeFileSync(FILE, render());
  expect(readFileSync(FILE, 'utf8')).toBe(render());
});

test('every event has a name of its own and a sentence', () => {
  const all = Object.values(AUDIT_EVENTS).flatMap((events) => Object.entries<string>(events));
  expect(new Set(all.map(([type]) => type)).size).toBe(all.length);
  for (const [type, meaning] of all) {
    expect(type).toMatch(/^[a-z]+(_[a-z]+)+$/);
    expect(meaning).toMatch(/^[A-Z].+\.$/);
  }
  for (const type of ENDING_EVENTS) expect(all.map(([name]) => name)).toContain(type);
});
