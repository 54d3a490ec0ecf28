// Against forged forms: an HMAC token (OWASP CSRF cheat sheet) bound to the session, or before it
// to a cookie of its own, and Fetch Metadata and Origin. The usual library uses SHA-1, which ASVS
// 11.4.1 rules out.
import { createHmac, type Hmac, randomFillSync, timingSafeEqual } from 'node:crypto';
import type Koa from 'koa';
import type { Config } from '../../core/config.ts';
import { isToken, newToken } from '../../core/credentials/random-token.ts';
import { createCookie } from '../http/cookies.ts';
import { type Fields, readBody } from '../http/form.ts';
import { HttpError } from '../http/http-error.ts';
import { memo } from '../http/memo.ts';
import { liveSession } from './request-state.ts';

const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);
const SALT_BYTES = 9;
/** The salt's end, which says whose the form is. */
const MARK_BYTES = 5;
const KEPT_MARKS = 10_000;
const TAG_BYTES = 18;
const TAG_CHARACTERS = (TAG_BYTES * 4) / 3;
const SALTS_AT_ONCE = 512;

const visitorCookie = createCookie('visitor', { accepts: isToken });

/** Shows a form again with what was typed, and does nothing that the form asks for. */
export type StaleForm = (ctx: Koa.Context, fields: Fields) => void | Promise<void>;

interface Refused {
  /** For a browser in which nobody is logged in: what becomes of a form there, if anything but a refusal. */
  readonly lateForm: (ctx: Koa.Context, fields: Fields) => StaleForm | undefined;
  /** Says who is logged in here by now. */
  readonly otherSession: StaleForm;
  /** Told of a form of a session that has ended, which goes on to its page. */
  readonly ofEndedSession: (ctx: Koa.Context, fields: Fields) => void;
  /** What a path takes; empty where there is no page. */
  readonly methodsOf: (path: string) => readonly string[];
}

/**
 * 403 for a change that is not from a form of ours, 405 for a method other than POST. A form that
 * has become too old, or meets another session than the one it was opened in, is refused too: who
 * is logged in is named, else the form is shown again, at once or after a log-in, where its page knows how.
 */
export function csrf(config: Config, { lateForm, otherSession, ofEndedSession, methodsOf }: Refused): Koa.Middleware {
  async function check(ctx: Koa.Context, next: Koa.Next, visitors: readonly string[]): Promise<unknown> {
    if (ctx.method !== 'POST') throw refusedMethod(methodsOf(ctx.path));
    if (!fromHere(ctx, config)) throw new HttpError(403, 'forged');
    const fields = await readBody(ctx);
    const sent = fields['_csrf'] ?? '';
    if (isOfNow(ctx, visitors, sent)) return next();
    if (isOfEndedSession(ctx, sent)) {
      ofEndedSession(ctx, fields);
      return next();
    }
    const refuse = liveSession(ctx) ? otherSession : lateForm(ctx, fields);
    if (!refuse) throw new HttpError(403, 'stale_form');
    ctx.status = 403;
    return refuse(ctx, fields);
  }
  return (ctx, next) => {
    const visitors = liveSession(ctx) ? [] : readVisitors(ctx, config);
    return SAFE_METHODS.has(ctx.method) ? next() : check(ctx, next, visitors);
  };
}

function refusedMethod(allowed: readonly string[]): HttpError {
  if (allowed.length === 0) return new HttpError(404, 'no_page');
  return new HttpError(405, 'method', { Allow: [...allowed].sort().join(', ') });
}

/** Over HTTP a browser may send several; the first is used, and a form of any of them is taken. */
function readVisitors(ctx: Koa.Context, config: Config): string[] {
  const kept = visitorCookie.readAll(ctx, config);
  if (kept[0] !== undefined) ctx.state.visitor = kept[0];
  return kept;
}

/** The token for a page's forms. An anonymous visitor gets the cookie that it is bound to. */
export function csrfToken(ctx: Koa.Context, config: Config): string {
  if (!liveSession(ctx) && ctx.state.visitor === undefined) {
    ctx.state.visitor = newToken();
    visitorCookie.keep(ctx, config, ctx.state.visitor);
  }
  const salt = newSalt();
  const userId = liveSession(ctx)?.owner.userId;
  const [key] = config.sessionKeys;
  if (userId !== undefined && key !== undefined) markOf(`${key} ${userId}`).copy(salt, SALT_BYTES - MARK_BYTES);
  return salt.toString('base64url') + hmac(secretOf(ctx), salt).digest('base64url').slice(0, TAG_CHARACTERS);
}

const salts = Buffer.alloc(SALT_BYTES * SALTS_AT_ONCE);
let nextSalt = salts.length;

/** Makes two tokens of one secret differ (against BREACH). Not secret, so drawn in advance. */
function newSalt(): Buffer {
  if (nextSalt === salts.length) {
    randomFillSync(salts);
    nextSalt = 0;
  }
  nextSalt += SALT_BYTES;
  return salts.subarray(nextSalt - SALT_BYTES, nextSalt);
}

/** The session's token; without a session the visitor's. */
function secretOf(ctx: Koa.Context): string {
  const token = liveSession(ctx) ? (ctx.state.begun?.token ?? ctx.state.cookie?.token) : undefined;
  return token ?? ctx.state.visitor ?? '';
}

/** A form of the session, or without one of this visitor, whichever cookie it was opened with. */
function isOfNow(ctx: Koa.Context, visitors: readonly string[], text: string): boolean {
  if (liveSession(ctx)) return isFormToken(secretOf(ctx), text);
  const visitor = visitors.find((secret) => isFormToken(secret, text));
  if (visitor !== undefined) ctx.state.visitor = visitor;
  return visitor !== undefined;
}

/** A form of a session that has ended since: its page then leads to the login. */
function isOfEndedSession(ctx: Koa.Context, text: string): boolean {
  return !liveSession(ctx) && isFormToken(ctx.state.cookie?.token ?? '', text);
}

function hmac(secret: string, salt: Buffer): Hmac {
  return createHmac('sha256', `holdfast form ${secret}`).update(salt);
}

/** Whether a text could be the token of some form of ours. One without was made elsewhere. */
export function mayBeFormToken(text: string | undefined): boolean {
  return bytesOf(text ?? '').length === SALT_BYTES + TAG_BYTES;
}

/** Whether a text is the token of a form of this account, of whichever session: older than another in its place, or ended. */
export function isFormOf(
  userId: string,
  text: string | undefined,
  { sessionKeys }: Pick<Config, 'sessionKeys'>,
): boolean {
  const bytes = bytesOf(text ?? '');
  if (bytes.length !== SALT_BYTES + TAG_BYTES) return false;
  const mark = bytes.subarray(SALT_BYTES - MARK_BYTES, SALT_BYTES);
  return sessionKeys.some((key) => timingSafeEqual(mark, markOf(`${key} ${userId}`)));
}

/** Of a key and, after a space, an account: the same in all of its forms, so that no page pays for it anew. */
const markOf = memo(
  (keyAndUser: string) => {
    const space = keyAndUser.lastIndexOf(' ');
    const of = createHmac('sha256', keyAndUser.slice(0, space)).update(
      `holdfast form of ${keyAndUser.slice(space + 1)}`,
    );
    return of.digest().subarray(0, MARK_BYTES);
  },
  { most: KEPT_MARKS },
);

function bytesOf(text: string): Buffer {
  return Buffer.from(text.slice(0, 100), 'base64url');
}

function isFormToken(secret: string, text: string): boolean {
  const bytes = bytesOf(text);
  if (secret === '' || bytes.length !== SALT_BYTES + TAG_BYTES) return false;
  const expected = hmac(secret, bytes.subarray(0, SALT_BYTES)).digest().subarray(0, TAG_BYTES);
  return timingSafeEqual(bytes.subarray(SALT_BYTES), expected);
}

/**
 * What the browser says of where a form stands. An Origin of `null` says nothing: a strict referrer policy makes one of every
 * form (Fetch §3.2). Then Fetch Metadata counts, or, without it, the form's token alone.
 */
function fromHere(ctx: Koa.Context, config: Config): boolean {
  const site = ctx.get('Sec-Fetch-Site');
  if (site !== '' && site !== 'same-origin' && site !== 'none') return false;
  const origin = ctx.get('Origin');
  if (origin === '' || origin === 'null' || origin === config.publicOrigin) return true;
  return !config.production && origin === `http://${ctx.get('Host')}`;
}
