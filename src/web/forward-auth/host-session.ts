// Who is logged in at an application, for its own scripts: nothing that the browser's person may not know.
import { type Answer, json, refuseUnknown } from './answers.ts';
import type { HostPage } from './host-page.ts';

/** The session at this application whose token the browser has, and the token; null for nobody. */
export async function visitorOf({ ctx, context, application, cookies }: HostPage) {
  for (const { token, name } of cookies.read(ctx.req, application)) {
    const { visitor } = await context.forwardAuth.readVisit([name]);
    if (visitor?.owner.application.id === application.id) return { ...visitor, token };
  }
  return null;
}

export type HostVisitor = NonNullable<Awaited<ReturnType<typeof visitorOf>>>;

export async function tellSession(page: HostPage): Promise<Answer> {
  const { application, reader, context } = page;
  const visitor = await visitorOf(page);
  if (!visitor) return refuseUnknown({ ...reader, kind: 'other' }, application, null);
  const { owner, groups } = visitor;
  const ends = await context.sessions.remaining(owner.id).catch(() => null); // without PostgreSQL who is enough
  return json(200, {
    user: owner.userId,
    email: owner.email,
    groups,
    session: owner.id,
    loggedInAt: new Date(owner.application.provedAt).toISOString(),
    ...(ends && { idleSeconds: ends.idleSeconds, endsInSeconds: ends.absoluteSeconds }),
  });
}
