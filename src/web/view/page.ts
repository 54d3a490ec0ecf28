// What page modules are given: the context, and `show`, which draws a page in its frame.
import type Koa from 'koa';
import type { Context } from '../../core/context.ts';
import { seesConsole } from '../../core/sessions/role.ts';
import { queryText } from '../http/query.ts';
import { csrfToken, type StaleForm } from '../session/csrf.ts';
import { type KeptForm, takeForm } from '../session/kept-form.ts';
import { liveSession } from '../session/request-state.ts';
import { createSensitiveReads, type NoteRead } from '../session/sensitive-reads.ts';
import type { Texts } from '../texts/en.ts';
import { TEXTS } from '../texts/language.ts';
import { browserZone, UTC, zoneCookieName, zoneOf } from '../texts/zone.ts';
import { offsetName, type Times, timesIn } from '../texts/zoned-times.ts';
import { formPage } from './form-page.ts';
import type { Render } from './render.ts';
import { createSentTwice, type SentTwice } from './sent-twice.ts';
import type { Frame, Views } from './views.ts';

/** What an operator just did, said on the next page. The texts have what members do. */
const DONE: Readonly<Record<string, string>> = {
  'sessions-ended': 'Their sessions have ended.',
  'everybody-ended': 'No session counts any more but yours. The worker ends the records one after another.',
  'account-disabled': 'The account is disabled, and its sessions have ended.',
  'account-enabled': 'The account is enabled again.',
  'account-secured':
    'The account is secured: its sessions have ended, its password is no longer valid, and its owner is told by mail if mail is set up.',
  'role-changed': 'The role was changed, and their sessions have ended.',
  'reset-sent': 'The link for a new password is on its way.',
  'their-browsers-forgotten': 'No browser is known to this account any more.',
  'factors-removed': 'Every second factor was removed, and their sessions have ended.',
  'block-lifted': 'That block was lifted.',
  'alert-changed': 'The alert is changed. All operators are told of that.',
  'alert-tested': 'The test is on its way.',
  'drain-paused': 'The drain is paused.',
  'drain-resumed': 'The drain goes on.',
  'drain-rewound': 'The receiver gets everything again from that event on.',
  'view-renamed': 'The view has its new name.',
  'view-removed': 'The view is gone. Its link works no longer.',
  'token-revoked': 'The token has ended.',
  invited: 'The invitation is on its way.',
  'invitation-revoked': 'That invitation was revoked. Its link works no longer.',
  'group-created': 'The group is there. Add its members, and name it in an application.',
  'group-removed': 'The group was removed, and sessions that it alone allowed have ended.',
  'member-added': 'They are a member now.',
  'member-removed': 'They left the group, and sessions that it alone allowed have ended.',
  'application-registered': 'The application is registered. Its proxy is next.',
  'application-changed': 'The application was changed, and sessions that it no longer allows have ended.',
  'application-disabled': 'The application is disabled, and its sessions have ended.',
  'application-enabled': 'The application is enabled again.',
  'application-removed': 'The application was removed, and its sessions have ended.',
  'sessions-at-it-ended': 'Those sessions have ended. Whoever may enter can do so again.',
};

interface FrameOptions {
  readonly title: string;
  readonly current?: Frame['current'];
  readonly wide?: boolean;
  readonly notice?: Frame['notice'];
  readonly passkeys?: boolean;
  /** False where nobody should be led away from the page. */
  readonly choosesLanguage?: boolean;
}

export interface Web {
  readonly context: Context;
  /** By a form's path: shows a form sent too late again as it was typed, without passwords. */
  readonly staleForms: Map<string, StaleForm>;
  readonly noteRead: NoteRead;
  readonly sentTwice: SentTwice;
  show<V extends keyof Views>(ctx: Koa.Context, view: V, page: Views[V], options: FrameOptions): Promise<void>;
}

export function createWeb(context: Context, render: Render): Web {
  const { config } = context;
  const languages = config.languages.map((code) => ({ code, name: TEXTS[code].name }));
  const others = new Map(
    languages.map(({ code }) => [code as string, languages.filter((other) => other.code !== code)]),
  );
  const manyLanguages = languages.length > 1;
  const zoneCookie = zoneCookieName(config);
  return {
    context,
    staleForms: new Map(),
    noteRead: createSensitiveReads(context),
    sentTwice: createSentTwice(context),
    async show(ctx, view, page, { title, current = null, wide = false, notice = null, passkeys = false, ...options }) {
      const owner = liveSession(ctx)?.owner;
      const text = wide ? TEXTS.en : ctx.state.text;
      const choices = options.choosesLanguage === false ? [] : (others.get(text.language) ?? []);
      const back = await backTo(ctx);
      // On a page of what went wrong there is no form: what was typed waits for the one that has it.
      const kept = view === 'error' ? null : takeForm(ctx, context);
      if (manyLanguages && !wide) ctx.append('Vary', 'Accept-Language');
      return render(ctx, view, page, {
        text,
        languages: { others: choices, back },
        formPage: ctx.method === 'POST' && view !== 'error' ? back : null,
        serviceName: config.serviceName,
        title,
        current,
        member: owner
          ? { email: owner.email, operator: seesConsole(owner.role), readsOnly: owner.role !== 'operator' }
          : null,
        // An error page gives no cookie: it has a form (to log out) only for a member.
        csrf: view === 'error' && !owner ? '' : csrfToken(ctx, config),
        notice: notice ?? (kept && { kind: 'info', text: text.keptForm[keptHow(kept)] }),
        wide,
        passkeys,
        zoneCookie,
        zone: wide && owner && seesConsole(owner.role) ? zoneOfFrame(ctx, back) : null,
      });
    },
  };
}

/** Of a button, or of passwords alone, there is nothing to show. */
function keptHow({ cut, fields }: KeptForm): keyof Texts['keptForm'] {
  if (cut) return 'cut';
  return Object.keys(fields).length === 0 ? 'nothing' : 'whole';
}

/** How the console says moments to this reader, all of a page in one zone. */
export function timesOf(ctx: Koa.Context): Times {
  return timesIn(zoneOf(ctx), ctx.state.now);
}

function zoneOfFrame(ctx: Koa.Context, back: string): NonNullable<Frame['zone']> {
  const name = zoneOf(ctx);
  const own = browserZone(ctx);
  const others = [...new Set([own, UTC])].filter((other) => other !== null && other !== name);
  return { name, offset: offsetName(ctx.state.now, name), others: others as string[], back };
}

/** A page that answers a form can't be asked for by itself: back is where the form stands. */
function backTo(ctx: Koa.Context): string | Promise<string> {
  return ctx.method === 'POST' ? formPage(ctx) : ctx.url;
}

/** The sentence that `?done=` stands for. */
export function doneNotice(ctx: Koa.Context): Frame['notice'] {
  if (ctx.querystring === '') return null;
  const done = queryText(ctx, 'done');
  const tables: readonly Readonly<Record<string, string>>[] = [ctx.state.text.done, DONE];
  const text = tables.find((table) => Object.hasOwn(table, done))?.[done];
  return text === undefined ? null : { kind: 'done', text };
}
