// A form that has to wait until its sender has confirmed who they are, or has logged in again: where it was sent and what was
// typed, encrypted in a cookie of theirs for a quarter of an hour, so that its page can show that again. Never a password, a
// code, a token that opens anything, or what was searched for.
import type Koa from 'koa';
import type { Context } from '../../core/context.ts';
import type { Purpose } from '../../core/credentials/secret-box.ts';
import { createCookie } from '../http/cookies.ts';
import type { Fields } from '../http/form.ts';
import { isFormOf } from './csrf.ts';
import { liveSession } from './request-state.ts';

const LIFE_MS = 15 * 60_000;
/** nginx takes 4096 bytes of an answer's whole head unless told otherwise; some 1,000 of ours are others. */
const MOST_CHARACTERS = 2_800;
const NOT_KEPT: ReadonlySet<string> = new Set([
  ...['_csrf', 'seen', 'next', 'q'],
  ...['password', 'current', 'former', 'username', 'code', 'recovery', 'credential', 'sealed'],
]);

const cookie = createCookie('kept-form', {
  accepts: (value) => value.length <= MOST_CHARACTERS && /^[\w-]+$/.test(value),
  lifeMs: () => LIFE_MS,
});

export interface KeptForm {
  /** The page that shows the form. */
  readonly page: string;
  /** Where it was sent. */
  readonly action: string;
  readonly fields: Fields;
  /** There was more than is kept, so nothing of it is. */
  readonly cut?: boolean;
  readonly until: number;
  /** Of a form whose session had ended: its own token, which says whose it was. */
  readonly token?: string;
}

type Needed = Pick<Context, 'secretBox' | 'config' | 'database'>;

const opened = new WeakMap<object, KeptForm | null>();

const purpose = (userId: string): Purpose => ({ purpose: 'kept form', owner: userId });
/** Whose it is, is not known without a session. */
const OF_ITS_TOKEN = purpose('');

/** Of more than a cookie takes, only where it was sent. */
export function keepForm(ctx: Koa.Context, needed: Needed, page: string, typed: Fields): void {
  const userId = liveSession(ctx)?.owner.userId;
  if (userId !== undefined) keep(ctx, needed, { page, typed, of: purpose(userId) });
}

/** The same of a form whose session has ended: only whoever it was made for sees it again. */
export function keepFormOfEnded(ctx: Koa.Context, needed: Needed, page: string, typed: Fields): void {
  keep(ctx, needed, { page, typed, of: OF_ITS_TOKEN, token: typed['_csrf'] ?? '' });
}

interface Keeping {
  readonly page: string;
  readonly typed: Fields;
  readonly of: Purpose;
  readonly token?: string;
}

function keep(ctx: Koa.Context, { secretBox, config, database }: Needed, { page, typed, of, ...more }: Keeping): void {
  const until = database.clock.now().getTime() + LIFE_MS;
  const fields = Object.fromEntries(Object.entries(typed).filter(([name]) => !NOT_KEPT.has(name)));
  const seal = (kept: Pick<KeptForm, 'fields' | 'cut'>) => {
    const form: KeptForm = { page, action: ctx.path, ...kept, until, ...more };
    return secretBox.encrypt(JSON.stringify(form), of).toString('base64url');
  };
  const whole = seal({ fields });
  cookie.keep(ctx, config, whole.length <= MOST_CHARACTERS ? whole : seal({ fields: {}, cut: true }));
}

/** The form that waits in this browser, whichever page it is of. */
export function waitingForm(ctx: Koa.Context, { secretBox, config, database }: Needed): KeptForm | null {
  const userId = liveSession(ctx)?.owner.userId;
  const value = cookie.read(ctx, config);
  if (value === '' || userId === undefined) return null;
  const sealed = Buffer.from(value, 'base64url');
  const own = secretBox.decrypt(sealed, purpose(userId));
  const decrypted = own ?? secretBox.decrypt(sealed, OF_ITS_TOKEN);
  const form = decrypted && (JSON.parse(decrypted.text) as KeptForm);
  if (form && !own && !isFormOf(userId, form.token, config)) return null;
  return form && form.until > database.clock.now().getTime() ? form : null;
}

/** Whether one waits for the log-in of whoever sent it. */
export function waitsForLogIn(ctx: Koa.Context, { secretBox, config, database }: Needed): boolean {
  const value = cookie.read(ctx, config);
  if (value === '') return false;
  const decrypted = secretBox.decrypt(Buffer.from(value, 'base64url'), OF_ITS_TOKEN);
  return decrypted !== null && (JSON.parse(decrypted.text) as KeptForm).until > database.clock.now().getTime();
}

/** The one of the page that is asked for. Nearly no page has one, and finds that out at no cost. */
function formOf(ctx: Koa.Context, needed: Needed): KeptForm | null {
  if (cookie.read(ctx, needed.config) === '') return null;
  const known = opened.get(ctx.req);
  if (known !== undefined) return known;
  const form = ctx.method === 'GET' ? waitingForm(ctx, needed) : null;
  const own = form?.page === ctx.path ? form : null;
  opened.set(ctx.req, own);
  return own;
}

/** The same, for the page that shows it: it waits no longer. */
export function takeForm(ctx: Koa.Context, needed: Needed): KeptForm | null {
  const form = formOf(ctx, needed);
  if (form) cookie.drop(ctx, needed.config);
  return form;
}

/** What was typed on this page before; `action`: into the form that is sent there. */
export function typedBefore(ctx: Koa.Context, needed: Needed, action: string = ctx.path): Fields {
  const form = formOf(ctx, needed);
  return form?.action === action ? form.fields : {};
}
