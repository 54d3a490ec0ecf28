// Entering an application, on its own host: the browser gets a secret and goes to the log-in; it comes back with a ticket, which
// only this browser can use, and goes on to the page that it wanted, exactly as it was asked for.
import { isToken } from '../../core/credentials/random-token.ts';
import { queryOnce } from '../http/query.ts';
import { type Answer, pageAnswer, type Reader, startOf } from './answers.ts';
import { readTarget } from './asked.ts';
import type { HostPage } from './host-page.ts';

export function startHere({ ctx, context, application, cookies }: HostPage): Answer {
  const target = readTarget(queryOnce(ctx, 'to'));
  const state = cookies.keepState(ctx, application).toString('base64url');
  const query = new URLSearchParams({ application: application.slug, state, to: encodeTarget(target) });
  return redirect(`${context.config.publicOrigin}/applications/enter?${query}`);
}

/** In letters that no step on the way writes differently. */
function encodeTarget(target: string): string {
  return Buffer.from(target, 'latin1').toString('base64url');
}

export function decodeTarget(text: string): string {
  return readTarget(Buffer.from(text, 'base64url').toString('latin1'));
}

export async function enterHere(page: HostPage): Promise<Answer> {
  const { ctx, context, application, cookies, reader } = page;
  const token = queryOnce(ctx, 'ticket');
  if (!isToken(token)) return restart(page, 'old', '/');
  const stateHashes = cookies.states(ctx, application);
  const { origin } = ctx.state;
  const result = await context.forwardAuth.entering.enter({ token, application, stateHashes, origin });
  if (result.ok) {
    cookies.keep(ctx, application, result.session);
    return redirect(application.url + result.target);
  }
  if (result.reason !== 'no_ticket') return redirect(startOf(application, result.target));
  const target = result.target ?? '/';
  // A page that is loaded again, or the second of two clicks: the first has let this browser in.
  if (await isInside(page)) return redirect(application.url + target);
  return restart({ application, reader }, stateHashes.length === 0 ? 'cookie' : 'old', target);
}

async function isInside({ ctx, context, application, cookies }: HostPage): Promise<boolean> {
  const names = cookies.read(ctx.req, application).map(({ name }) => name);
  const { visitor } = await context.forwardAuth.readVisit(names);
  return visitor?.owner.application.id === application.id;
}

/** By a link and not by itself: what went wrong may go wrong again. */
function restart(
  { application, reader }: Pick<HostPage, 'application'> & { readonly reader: Reader },
  why: 'old' | 'cookie',
  target: string,
): Answer {
  const { heading, again, ...reasons } = reader.text.applications.ticket;
  const link = { href: startOf(application, target), label: again };
  return pageAnswer(400, reader, { heading, paragraphs: [reasons[why]], link });
}

function redirect(location: string): Answer {
  return { status: 302, headers: { Location: location }, body: '' };
}
