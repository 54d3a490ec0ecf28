// A change of groups or applications as a line: + for what comes, - for what goes, ~ for what becomes different.
import type { RegistryChange } from '../../core/applications/registry/wanted.ts';

export function showChange(change: RegistryChange): string {
  switch (change.action) {
    case 'create_group':
      return `+ group ${change.group}`;
    case 'remove_group':
      return `- group ${change.group}`;
    case 'add_member':
      return `+ ${change.member} in ${change.group}`;
    case 'remove_member':
      return `- ${change.member} in ${change.group}`;
    case 'register':
      return `+ application ${change.application}: ${settings(change.settings)}`;
    case 'change':
      return `~ application ${change.application}: ${change.changes
        .map(({ setting, before, after }) => `${setting} ${value(before)} -> ${value(after)}`)
        .join(', ')}`;
    case 'remove':
      return `- application ${change.application}`;
  }
}

/** Those that are set. */
function settings(all: Readonly<Record<string, unknown>>): string {
  const set = Object.entries(all).filter(([, one]) => one !== null && one !== false && one !== '');
  return set.map(([name, one]) => `${name} ${value(one)}`).join(', ');
}

function value(one: unknown): string {
  if (one === null || one === '') return 'none';
  if (typeof one === 'boolean') return one ? 'yes' : 'no';
  return String(one);
}
