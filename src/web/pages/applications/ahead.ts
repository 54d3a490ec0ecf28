// Which application somebody goes on to after a page of ours, so that the page can say so.
import type { Context } from '../../../core/context.ts';

/** Its name; null where `next` leads to none. A page to log in does without it: while PostgreSQL is away there may be none. */
export async function applicationAhead(
  { forwardAuth }: Pick<Context, 'forwardAuth'>,
  next: string | null,
): Promise<string | null> {
  const slug =
    next?.startsWith('/applications/enter?') && new URLSearchParams(next.replace(/^[^?]*/, '')).get('application');
  if (!slug) return null;
  const found = Promise.resolve(forwardAuth.register.find(({ bySlug }) => bySlug(slug)));
  return (await found.catch(() => undefined))?.name ?? null;
}
