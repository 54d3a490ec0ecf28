// What a mail about a log-in says beside its circumstances: the country, guessed by the address, and what was unusual. It is
// looked up when the mail is rendered. A mail waits for none of it.

import type { Places } from '../places/places.ts';
import type { Database } from '../platform/database.ts';
import type { ReadLoginPlaces } from '../unusual/login-places.ts';
import { readMarks } from '../unusual/marks.ts';
import type { TakenMail } from './due-mail.ts';
import type { LogInTraits, MailTemplate } from './templates.ts';

const TOLD_OF = new Set<string>(['new-device', 'second-factor-left', 'second-factor-blocked'] satisfies MailTemplate[]);

export interface LogInTraitsOptions {
  readonly database: Database;
  readonly places: Places;
  readonly readLoginPlaces: ReadLoginPlaces;
  /** What is unusual is known once the log-in is sealed. */
  readonly seal: () => Promise<unknown>;
}

export type ReadLogInTraits = (mail: Pick<TakenMail, 'template' | 'parameters' | 'tokenId'>) => Promise<LogInTraits>;

export function createLogInTraits({
  database: { prisma },
  places,
  readLoginPlaces,
  seal,
}: LogInTraitsOptions): ReadLogInTraits {
  async function marksOf(tokenId: string | null): Promise<LogInTraits['unusual']> {
    const token = tokenId && (await prisma.token.findUnique({ where: { id: tokenId }, select: { sessionId: true } }));
    if (!token || token.sessionId === null) return [];
    const read = async (id: string) => (await readLoginPlaces([id])).get(id);
    const found = await read(token.sessionId);
    if (found) return readMarks(found.unusual);
    await seal().catch(() => undefined); // it fails as a job of its own, which says so
    return readMarks((await read(token.sessionId))?.unusual);
  }

  return async ({ template, parameters, tokenId }) => {
    if (!TOLD_OF.has(template)) return {};
    try {
      await places.refresh();
      const { ip } = parameters as { readonly ip?: unknown };
      const { country } = places.find(typeof ip === 'string' ? ip : null);
      const unusual = template === 'new-device' ? await marksOf(tokenId) : [];
      return { ...(country === undefined ? {} : { country }), unusual };
    } catch {
      return {}; // PostgreSQL is away: what was known before is told
    }
  };
}
