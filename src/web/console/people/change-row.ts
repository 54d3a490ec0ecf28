// What others did to an account, for an operator who decided on an older state of it.

import type { RecentChange } from '../../../core/accounts/recent-changes.ts';
import { readRole } from '../../../core/sessions/role.ts';
import type { Times } from '../../texts/zoned-times.ts';
import type { ChangeRow } from '../../view/console-views.ts';
import { titleOf } from '../words/event-titles.ts';

export function changeRow(
  { type, at, actor, requestId, detail }: RecentChange,
  emails: ReadonlyMap<string, string>,
  times: Times,
): ChangeRow {
  const { reason, by, user, host } = detail;
  const onCommandLine = by === 'cli' ? `on the command line, by ${user} on ${host}` : 'on the command line';
  const byNobody = requestId === null ? onCommandLine : 'by somebody unknown';
  return {
    what: wordsOf(type, detail),
    who: actor === null ? byNobody : `by ${emails.get(actor) ?? actor}`,
    at: times.prose(at),
    reason: typeof reason === 'string' ? reason : null,
  };
}

function wordsOf(type: string, { role }: RecentChange['detail']): string {
  if (type === 'privilege_permissions_changed') return MADE[readRole(role)];
  return WORDS[type] ?? titleOf(type);
}

const MADE = { member: 'Made a member', auditor: 'Made an auditor', operator: 'Made an operator' } as const;

const WORDS: Readonly<Record<string, string>> = {
  user_disabled: 'Disabled',
  user_enabled: 'Enabled again',
  user_secured: 'Secured',
  known_devices_forgotten: 'Its known browsers forgotten',
  authn_factor_removed: 'A second factor removed',
};
