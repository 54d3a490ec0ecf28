// Logging out on an application's host: there alone, or everywhere, which ends the person's session in this browser and with it
// every application that was opened from it.
import { hashApplicationToken } from '../../core/credentials/random-token.ts';
import { readBody } from '../http/form.ts';
import { HttpError } from '../http/http-error.ts';
import { noteRefusal } from '../session/refusals.ts';
import { type Answer, pageAnswer } from './answers.ts';
import type { HostPage } from './host-page.ts';
import { type HostVisitor, visitorOf } from './host-session.ts';

const PATH = '/.holdfast/logout';

export async function logOutHere(page: HostPage): Promise<Answer> {
  const visitor = await visitorOf(page);
  if (page.ctx.method !== 'POST') return ask(page, visitor !== null);
  if (!isFromHere(page)) {
    await noteRefusal(page.ctx, page.context, 'malicious_csrf', {
      reason: 'forged',
      application: page.application.slug,
    });
    throw new HttpError(403, 'forged');
  }
  const everywhere = (await readBody(page.ctx))['scope'] === 'everywhere';
  if (visitor) await end(page, visitor, everywhere);
  page.cookies.drop(page.ctx, page.application);
  return said(page, everywhere);
}

function ask({ reader, application, context }: HostPage, loggedIn: boolean): Answer {
  const { heading, what, here, everywhere, nobody, again } = reader.text.applications.logout;
  const link = { href: `${application.url}/`, label: again };
  if (!loggedIn) return pageAnswer(200, reader, { heading: nobody, paragraphs: [], link });
  const buttons = [['here', here] as const, ['everywhere', everywhere] as const];
  const paragraphs = [what(context.config.serviceName)];
  return pageAnswer(200, reader, { heading: heading(application.name), paragraphs, form: { action: PATH, buttons } });
}

async function end({ ctx, context }: HostPage, { owner, token }: HostVisitor, everywhere: boolean): Promise<void> {
  const { id, userId, loginId } = owner;
  const about = { reason: 'logged_out', actor: userId, origin: ctx.state.origin } as const;
  if (everywhere && (await context.sessions.endLogin({ userId, loginId }, about))) return;
  const tokenHash = hashApplicationToken(token);
  await context.sessions.end({ sessionId: id, ownerId: userId }, { ...about, tokenHash });
}

function said({ reader, application, context }: HostPage, everywhere: boolean): Answer {
  const { done, doneHere, doneEverywhere, again } = reader.text.applications.logout;
  const paragraphs = [everywhere ? doneEverywhere : doneHere(context.config.serviceName)];
  return pageAnswer(200, reader, { heading: done, paragraphs, link: { href: `${application.url}/`, label: again } });
}

/** The cookie goes along only from the same site; a sibling host must not log anybody out either. */
function isFromHere({ ctx, application }: HostPage): boolean {
  const [site, origin] = [ctx.get('Sec-Fetch-Site'), ctx.get('Origin')];
  if (site !== '' && site !== 'same-origin') return false;
  return origin === application.url || (site === 'same-origin' && (origin === '' || origin === 'null'));
}
