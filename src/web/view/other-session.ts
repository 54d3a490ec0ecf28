// A form that meets another session than the one it was opened in: nothing of it is done, and the
// page names who is logged in here, with the ways to log out and to go on. The page of the form has what was typed again,
// where its form was one of the same account: what somebody else typed in this browser is not shown to whoever came after.
import type Koa from 'koa';
import { emailKey } from '../../core/platform/email-address.ts';
import { type Fields, readNext } from '../http/form.ts';
import { withNext } from '../http/query.ts';
import { seeOther } from '../http/redirect.ts';
import { isForMembers } from '../session/access.ts';
import { isFormOf } from '../session/csrf.ts';
import { keepForm } from '../session/kept-form.ts';
import { memberOf } from '../session/member.ts';
import { formOrHome } from './errors.ts';
import { formPage } from './form-page.ts';
import type { Web } from './page.ts';

/** Where each form leads whoever logs out to log in as somebody else. */
const LOG_INS: ReadonlyMap<string, string> = new Map([
  ['/login', '/login'],
  ['/login/passkey', '/login'],
  ['/login/second-factor', '/login/second-factor'],
  ['/login/second-factor/passkey', '/login/second-factor'],
  ['/register', '/register'],
]);

/** Whoever logs in as the one that is logged in goes on at once, as does a form that was sent twice. */
export async function showOtherSession(ctx: Koa.Context, web: Web, fields: Fields = {}): Promise<void> {
  const ledTo = await web.sentTwice.ledTo(ctx, fields);
  if (ledTo !== null) return seeOther(ctx, ledTo);
  const { email, userId } = memberOf(ctx);
  const next = readNext(fields['next']);
  const backTo = LOG_INS.get(ctx.path);
  const isTheirs = emailKey(fields['email'] ?? '') === emailKey(email);
  if (backTo !== undefined && isTheirs) return seeOther(ctx, next ?? '/profile');
  const text = ctx.state.text.otherSession;
  // A browser may keep to itself where a form stands; of those of people who are logged in it is known.
  const form = isForMembers(ctx.path) ? await formPage(ctx) : formOrHome(ctx);
  if (backTo === undefined && isFormOf(userId, fields['_csrf'], web.context.config))
    keepForm(ctx, web.context, form.replace(/\?.*$/s, ''), fields);
  const page =
    backTo === undefined
      ? { email, says: text.form, onward: form, onwardLabel: text.again, loggedOut: null }
      : {
          email,
          says: text.logIn,
          onward: next ?? '/profile',
          onwardLabel: text.goOn,
          loggedOut: withNext(backTo, next),
        };
  return web.show(ctx, 'other-session', page, { title: text.title });
}
