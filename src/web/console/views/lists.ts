// The lists whose filters can be saved, and how each reads its own.
import type Koa from 'koa';
import type { AskedParts } from '../../../core/accounts/saved-views.ts';
import type { Web } from '../../view/page.ts';
import type { Frame } from '../../view/views.ts';
import { ATTEMPTS, describeAttempts } from '../attempts.ts';
import { describeEvents } from '../log/chips.ts';
import { AUDIT_PATH } from '../log/filter.ts';
import { USERS } from '../people/find-user.ts';
import { describePeople } from '../people/users.ts';
import type { ListName } from './views-bar.ts';

/** A filter as an address has it: what it asks for, and that in words. */
export interface Described {
  readonly asked: AskedParts;
  readonly labels: readonly string[];
  readonly problem: string | null;
}

interface SavableList {
  readonly title: string;
  readonly place: Frame['current'];
  readonly path: string;
  readonly describe: (ctx: Koa.Context, web: Web) => Described | Promise<Described>;
}

const LISTS: Readonly<Record<ListName, SavableList>> = {
  audit: { title: 'Audit log', place: 'audit', path: AUDIT_PATH, describe: describeEvents },
  attempts: { title: 'Attempts', place: 'attempts', path: ATTEMPTS, describe: describeAttempts },
  people: { title: 'People', place: 'people', path: USERS, describe: describePeople },
};

/** Null for one that this version does not know. */
export function listNamed(name: string): SavableList | null {
  return Object.hasOwn(LISTS, name) ? LISTS[name as ListName] : null;
}
