// The check that a proxy asks for each request to an application. It stands in front of Koa, answers sockets of TRUSTED_PROXIES
// alone and at once, never waits for a body, and keeps no decision.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Application } from '../../core/applications/application.ts';
import { isOldLogin } from '../../core/applications/entry.ts';
import type { Context } from '../../core/context.ts';
import type { KnownApplications } from '../../core/forward-auth/known-applications.ts';
import type { Visitor } from '../../core/forward-auth/visitors.ts';
import { isDatabaseOutage } from '../../core/platform/database.ts';
import { StoresAwayError } from '../../core/sessions/session-reader.ts';
import { createTrust } from '../http/client-address.ts';
import { memo } from '../http/memo.ts';
import type { Recorder } from '../http/request.ts';
import { preferredText } from '../texts/language.ts';
import { type Answer, away, forbid, identityOf, pass, type Reader, refuseAsked, send, sendToLogin } from './answers.ts';
import type { ApplicationCookies } from './application-cookies.ts';
import { type Asked, isPreflight, isUnclear, kindOf, leavesCheck, meansCheck, namedIn, readAsked } from './asked.ts';

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
  const passing = createPassing();
  const warnOfOutage = folded((about: object, others) =>
    log.warn({ ...about, ...(others > 0 && { others }) }, 'a check could not be answered'),
  );

  async function answer({ asked, request, reader }: Asking): Promise<Answer> {
    if (isUnclear(asked) || leavesCheck(asked)) return refuseAsked(reader());
    const found = forwardAuth.register.find((applications) => find(applications, asked));
    const application = found instanceof Promise ? await found : found;
    if (!application) return forbid(reader(), 'unknown');
    if (application.disabledAt !== null) return forbid(reader(), 'disabled');
    if (application.preflight && isPreflight(asked)) return pass(application, identityOf(null, ''));
    const names = cookies.read(request, application).map(({ name }) => name);
    const { applications, visitor } = names.length === 0 ? NOBODY : await forwardAuth.readVisit(names);
    // What was read beside the session may be of a newer version.
    const now = applications ? applications.bySlug(application.slug) : application;
    if (!now) return forbid(reader(), 'unknown');
    if (!visitor || visitor.owner.application.id !== now.id) return sendToLogin(reader(), asked, now, null);
    if (now.disabledAt !== null) return forbid(reader(), 'disabled');
    if (isTooOld(now, visitor)) return sendToLogin(reader(), asked, now, now.recentLoginSeconds);
    const assertion = forwardAuth.assert(visitor, now);
    return passing(now, visitor, typeof assertion === 'string' ? assertion : await assertion);
  }

  function isTooOld(application: Application, { owner }: Visitor): boolean {
    return isOldLogin(application, Number(database.clock.now()) - owner.application.provedAt);
  }

  function failed(reader: Reader, error: unknown): Answer {
    const outage = error instanceof StoresAwayError || isDatabaseOutage(error);
    const about = { err: error, requestId: reader.requestId };
    if (outage) warnOfOutage(about);
    else log.error(about, 'a check failed');
    return away(reader, outage ? 503 : 500);
  }

  async function respond(asking: Asking, response: ServerResponse, sent: readonly string[]): Promise<void> {
    const { requestId, done } = asking;
    try {
      const answered = await answer(asking).catch((error: unknown) => failed(asking.reader(), error));
      send(response, answered, sent);
    } catch (error) {
      // A check without an answer lets nobody pass.
      log.error({ err: error, requestId }, 'a check could not be sent its answer');
      response.destroy();
    }
    done(response.statusCode);
  }

  function readerOf({ headers }: IncomingMessage, { method }: Asked, requestId: string): Reader {
    const text = preferredText(headers['accept-language'], config.languages);
    return { kind: kindOf(method, headers), text, serviceName: config.serviceName, requestId };
  }

  return (request, response) => {
    if (!meansCheck(request)) return false;
    const asked = readAsked(request);
    const { origin, done } = record(request);
    const requestId = origin.requestId ?? '';
    const sent = ['X-Request-Id', requestId];
    if (announcesBody(request)) sent.push('Connection', 'close');
    request.resume();
    const asker = request.socket.remoteAddress ?? '';
    const say = (status: number) => done({ route: ROUTE, method: request.method ?? '', path: pathOf(asked), status });
    if (asked && isTrusted(asker)) {
      const reader = () => readerOf(request, asked, requestId);
      void respond({ asked, request, requestId, reader, done: say }, response, sent);
    } else {
      if (asked) reportStranger(asker);
      send(response, NOTHING_HERE, sent);
      say(NOTHING_HERE.status);
    }
    return true;
  };
}

const ROUTE = '/forward-auth/:family';

interface Asking {
  readonly asked: Asked;
  readonly request: IncomingMessage;
  readonly requestId: string;
  /** For a refusal, which alone is read by somebody. */
  readonly reader: () => Reader;
  readonly done: (status: number) => void;
}

/** What lets somebody pass is written once for their assertion. */
function createPassing() {
  const known = new WeakMap<Visitor, { application: Application; assertion: string; answer: Answer }>();
  return (application: Application, visitor: Visitor, assertion: string): Answer => {
    const before = known.get(visitor);
    if (before?.application === application && before.assertion === assertion) return before.answer;
    const answer = pass(application, identityOf(visitor, assertion));
    known.set(visitor, { application, assertion, answer });
    return answer;
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

/** In an outage every check fails: one in so long is written, with how many others there were since. */
const FOLDED_MS = 10_000;

function folded<About extends object>(write: (about: About, others: number) => void): (about: About) => void {
  let writtenAt = Number.NEGATIVE_INFINITY;
  let others = 0;
  return (about) => {
    if (performance.now() - writtenAt < FOLDED_MS) {
      others += 1;
      return;
    }
    write(about, others);
    [writtenAt, others] = [performance.now(), 0];
  };
}

const NOTHING_HERE: Answer = { status: 404, headers: {}, body: '' };

/** Without what the visitor asked for, which may hold a secret. */
function pathOf(asked: Asked | null): string {
  if (!asked) return '/forward-auth/';
  return `/forward-auth/${asked.family}${asked.slug === null ? '' : `/${asked.slug}`}`;
}

const NOBODY = { applications: null, visitor: null } as const;

/** What the path of the envoy family names may be a visitor's: its proxy or the host must name the same. */
function find(applications: KnownApplications, asked: Asked): Application | undefined {
  const { family, slug, host } = asked;
  const found = slug === null ? applications.byHost(host) : applications.bySlug(slug);
  const named = namedIn(asked);
  if (named !== null) return named === found?.slug ? found : undefined;
  return family === 'envoy' && found !== applications.byHost(host) ? undefined : found;
}

/** It is not read: what comes of it on this connection would be taken for the next request. */
function announcesBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}
