// What an operator reads who asked for what is not there: which thing it is, in the console's own frame.
import type Koa from 'koa';
import { seesConsole } from '../../core/sessions/role.ts';
import { liveSession } from '../session/request-state.ts';
import type { Views } from '../view/views.ts';

const THINGS = [
  [/^\/operator\/audit\/[^/]+$/, 'There is no event of this number'],
  [/^\/operator\/users\/[^/]+$/, 'There is no such account'],
  [/^\/operator\/sessions\/[^/]+$/, 'There is no such session'],
  [/^\/operator\/groups\/[^/]+$/, 'There is no such group'],
  [/^\/operator\/applications\/[^/]+$/, 'There is no such application'],
  [/^\/operator\/views\/[^/]+$/, 'There is no such view'],
  [/^\/operator\/alerts\/[^/]+$/, 'There is no such alert'],
  [/^\/operator\/drains\/[^/]+$/, 'There is no such drain'],
  [/^\/operator\//, 'There is no page here'],
] as const;

type ErrorPage = Views['error'];

/** What to show instead of an error's page: in the console's frame and language, and back into it. Null where the page will do. */
export function missingInConsole(ctx: Koa.Context, page: ErrorPage): ErrorPage | null {
  const owner = liveSession(ctx)?.owner;
  if (page.status !== 404 || !owner || !seesConsole(owner.role)) return null;
  const [, heading] = THINGS.find(([path]) => path.test(ctx.path)) ?? [];
  if (heading === undefined) return null;
  const message = 'It may be gone by now, or the address is mistyped.';
  return { ...page, heading, message, next: { href: '/operator', label: 'Go to the overview' } };
}
