// The check that a proxy asks for each request to an application. It stands in front of Koa, answers sockets of TRUSTED_PROXIES
// alone and at once, never waits for a body, and keeps no decision.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Application } from '../../core/applications/application.ts';
import { isOldLogin } from '../../core/applications/entry.ts';
import type { Context } from '../../core/context.ts';
import type { KnownApplications } from '../../core/forward-auth/known-applications.ts';
import type { Visitor } from '../../core/forward-auth/visitors.ts';
import { isDatabaseOutage } from '../../core/platform/database.ts';
import { StoresAwayError } from '../../core/sessions/session-cache.ts';
import { createTrust } from '../http/client-address.ts';
import { memo } from '../http/memo.ts';
import type { Recorder } from '../http/request.ts';
import { preferredText } from '../texts/language.ts';
import { type Answer, away, forbid, identityOf, pass, type Reader, send, sendToLogin } from './answers.ts';
import type { ApplicationCookies } from './application-cookies.ts';
import { type Asked, isCheck, readAsked } from './asked.ts';

const KEPT_ADDRESSES = 1_000;
const MOST_REPORTED = 20;

/** True where it has taken the request. */
export type Check = (request: IncomingMessage, response: ServerResponse) => boolean;

export interface CheckOptions {
  readonly context: Pick<Context, 'config' | 'log' | 'database' | 'forwardAuth'>;
  readonly cookies: ApplicationCookies;
  readonly record: Recorder;
}

export function createCheck({ context, cookies, record }: CheckOptions): Check {
  const { config, log, database, forwardAuth } = context;
  const isTrusted = memo(createTrust(config.trustedProxies), { most: KEPT_ADDRESSES });
  const reportStranger = reportOnce(log);

  async function answer(request: IncomingMessage, asked: Asked, reader: Reader): Promise<Answer> {
    const application = find(await forwardAuth.register(), asked);
    if (!application) return forbid(reader, 'unknown');
    if (application.disabledAt !== null) return forbid(reader, 'disabled');
    if (asked.preflight && application.preflight) return pass(application, identityOf(null, ''));
    const names = cookies.read(request, application).map(({ name }) => name);
    const { applications, visitor } = names.length === 0 ? NOBODY : await forwardAuth.readVisit(names);
    // What was read beside the session may be of a newer version.
    const now = applications ? applications.bySlug(application.slug) : application;
    if (!now) return forbid(reader, 'unknown');
    if (!visitor || visitor.owner.application.id !== now.id) return sendToLogin(reader, asked, now, null);
    if (now.disabledAt !== null) return forbid(reader, 'disabled');
    if (isTooOld(now, visitor)) return sendToLogin(reader, asked, now, now.recentLoginSeconds);
    return pass(now, identityOf(visitor, await forwardAuth.assert(visitor, now)));
  }

  function isTooOld(application: Application, { owner }: Visitor): boolean {
    return isOldLogin(application, Number(database.clock.now()) - owner.application.provedAt);
  }

  function failed(reader: Reader, error: unknown): Answer {
    const outage = error instanceof StoresAwayError || isDatabaseOutage(error);
    const about = { err: error, requestId: reader.requestId };
    if (outage) log.warn(about, 'a check could not be answered');
    else log.error(about, 'a check failed');
    return away(reader, outage ? 503 : 500);
  }

  /** A check without an answer lets nobody pass. */
  function giveUp(response: ServerResponse, error: unknown, requestId: string | null): void {
    log.error({ err: error, requestId }, 'a check could not be sent its answer');
    response.destroy();
  }

  function readerOf({ headers }: IncomingMessage, { kind }: Asked, requestId: string | null): Reader {
    const text = preferredText(headers['accept-language'], config.languages);
    return { kind, text, serviceName: config.serviceName, requestId };
  }

  return (request, response) => {
    if (!isCheck(request.url)) return false;
    const asked = readAsked(request);
    const { origin, done } = record(request);
    const { requestId } = origin;
    const [path, method] = [pathOf(asked), request.method ?? ''];
    response.setHeader('X-Request-Id', requestId ?? '');
    response.on('close', () => done({ route: '/forward-auth/:family', method, path, status: response.statusCode }));
    if (announcesBody(request)) response.setHeader('Connection', 'close');
    request.resume();
    const asker = request.socket.remoteAddress ?? '';
    if (!asked || !isTrusted(asker)) {
      if (asked) reportStranger(asker);
      send(response, NOTHING_HERE);
    } else {
      const reader = readerOf(request, asked, requestId);
      void answer(request, asked, reader)
        .catch((error: unknown) => failed(reader, error))
        .then((answered) => send(response, answered))
        .catch((error: unknown) => giveUp(response, error, requestId));
    }
    return true;
  };
}

/** An operator whose proxy is not trusted sees but a 503 of that proxy. Anybody may ask: what is written is limited. */
function reportOnce(log: Context['log']): (asker: string) => void {
  const reported = new Set<string>();
  return (asker) => {
    if (reported.has(asker) || reported.size >= MOST_REPORTED) return;
    reported.add(asker);
    log.warn({ asker }, 'a check was not answered: it came from an IP address that TRUSTED_PROXIES does not name');
  };
}

const NOTHING_HERE: Answer = { status: 404, headers: {}, body: '' };

/** Without what the visitor asked for, which may hold a secret. */
function pathOf(asked: Asked | null): string {
  if (!asked) return '/forward-auth/';
  return `/forward-auth/${asked.family}${asked.slug === null ? '' : `/${asked.slug}`}`;
}

const NOBODY = { applications: null, visitor: null } as const;

function find(applications: KnownApplications, { slug, host }: Asked): Application | undefined {
  return slug === null ? applications.byHost(host) : applications.bySlug(slug);
}

/** It is not read: what comes of it on this connection would be taken for the next request. */
function announcesBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}
