// The Koa application: every middleware, in the order in which a request meets it.
import type { RequestListener } from 'node:http';
import path from 'node:path';
import type Router from '@koa/router';
import Koa from 'koa';
import type { Context } from '../core/context.ts';
import { projectRoot } from '../core/platform/project-root.ts';
import { alertsPages } from './console/alerts.ts';
import { applicationActs } from './console/applications/application-acts.ts';
import { applicationForms } from './console/applications/application-form.ts';
import { applicationsPages } from './console/applications/applications.ts';
import { groupActs } from './console/applications/group-acts.ts';
import { groupsPages } from './console/applications/groups.ts';
import { attemptsPage } from './console/attempts.ts';
import { blocksPages } from './console/blocks.ts';
import { drainsPages } from './console/drains.ts';
import { endAllSessionsPage } from './console/end-all-sessions.ts';
import { findPages } from './console/find/find.ts';
import { answerApiError, apiPage, isOfApi } from './console/log/api.ts';
import { eventPage } from './console/log/event.ts';
import { exportPage } from './console/log/export.ts';
import { livePage } from './console/log/live.ts';
import { createLiveStreams, type LiveStreams } from './console/log/live-streams.ts';
import { auditPage } from './console/log/log.ts';
import { mailPage } from './console/mail.ts';
import { missingInConsole } from './console/missing.ts';
import { overviewPage } from './console/overview.ts';
import { invitationsPages } from './console/people/invitations.ts';
import { invitePage } from './console/people/invite.ts';
import { secureManyPages } from './console/people/secure-many.ts';
import { userPage } from './console/people/user.ts';
import { userActions } from './console/people/user-actions.ts';
import { usersPage } from './console/people/users.ts';
import { queuesPage } from './console/queues.ts';
import { sessionPage } from './console/sessions/session.ts';
import { tokensPages } from './console/tokens.ts';
import { savedViewPages } from './console/views/views.ts';
import { zonePages } from './console/zone.ts';
import { createApplicationCookies } from './forward-auth/application-cookies.ts';
import { createCheck } from './forward-auth/check.ts';
import { hostPages } from './forward-auth/host-pages.ts';
import { answerAtOnce } from './http/answer-at-once.ts';
import { createAssets } from './http/assets.ts';
import { compressLarge } from './http/compress.ts';
import { cookieAges } from './http/cookie-ages.ts';
import { type Fields, readNext } from './http/form.ts';
import { readQueriesOnce, withNext } from './http/query.ts';
import { seeOther } from './http/redirect.ts';
import { createRecorder, requests } from './http/request.ts';
import { PageRouter } from './http/router.ts';
import { ownHost, securityHeaders } from './http/security-headers.ts';
import { turns } from './http/turns.ts';
import { activityPages } from './pages/account/activity.ts';
import { authenticatorPages } from './pages/account/authenticator.ts';
import { dataAndDeletionPages } from './pages/account/data-and-deletion.ts';
import { emailPages } from './pages/account/email.ts';
import { passkeyPages } from './pages/account/passkeys.ts';
import { passwordPage } from './pages/account/password.ts';
import { profilePage } from './pages/account/profile.ts';
import { recoveryCodesPage } from './pages/account/recovery-codes.ts';
import { securityPages } from './pages/account/security.ts';
import { sessionsPage } from './pages/account/sessions.ts';
import { ownTokensPages } from './pages/account/tokens.ts';
import { applicationsPage } from './pages/applications/applications.ts';
import { enterPage } from './pages/applications/enter.ts';
import { keysPage } from './pages/applications/keys.ts';
import { devMailPage } from './pages/dev-mail.ts';
import { health, type Readiness } from './pages/health.ts';
import { homePage } from './pages/home.ts';
import { languagePage } from './pages/language.ts';
import { invitationPage } from './pages/login/invitation.ts';
import { loginPage } from './pages/login/login.ts';
import { notMePage } from './pages/login/not-me.ts';
import { passkeyLoginPage } from './pages/login/passkey-login.ts';
import { reauthenticatePage } from './pages/login/reauthenticate.ts';
import { registerPage } from './pages/login/register.ts';
import { resetPasswordPages } from './pages/login/reset-password.ts';
import { secondFactorPages } from './pages/login/second-factor.ts';
import { verifyEmailPage } from './pages/login/verify-email.ts';
import { wellKnownPages } from './pages/well-known.ts';
import { isForMembers } from './session/access.ts';
import { limitActs } from './session/acts.ts';
import { csrf, mayBeFormToken, type StaleForm } from './session/csrf.ts';
import { keepFormOfEnded } from './session/kept-form.ts';
import { noteRefusal, noteRefusals } from './session/refusals.ts';
import { sessions } from './session/session-cookie.ts';
import { SessionStore } from './session/session-store.ts';
import { languages, TEXTS } from './texts/language.ts';
import { errors } from './view/errors.ts';
import { formPage } from './view/form-page.ts';
import { showOtherSession } from './view/other-session.ts';
import { createWeb } from './view/page.ts';
import { createFragments, createRenderer } from './view/render.ts';

export interface Application {
  readonly app: Koa;
  /** The check of applications behind Holdfast, and after it all that is Koa's. */
  readonly listener: RequestListener;
  readonly router: Router;
  readonly streams: LiveStreams;
}

const LEFT: ReadonlySet<string | undefined> = new Set(['ERR_STREAM_PREMATURE_CLOSE', 'ECONNRESET', 'EPIPE']);

export function createApp(context: Context, readiness: Readiness): Application {
  const { config, log, redis, sessionCache } = context;
  const views = path.join(projectRoot, 'views');
  const assets = createAssets({ assetsDir: path.join(views, 'assets'), reload: false });
  const web = createWeb(context, createRenderer({ viewsDir: views, assets: assets.urls }));

  const streams = createLiveStreams(context);

  const app = new Koa();
  // Somebody who leaves a page before it is there is no fault, nor is what Bull Board refuses: the line of the request says it.
  app.on('error', (error: NodeJS.ErrnoException & { readonly status?: number }) => {
    if (!LEFT.has(error.code) && (error.status ?? 500) >= 500)
      log.error({ err: error }, 'an error past the error page');
  });

  answerAtOnce(app);
  readQueriesOnce(app);

  const record = createRecorder(context);
  const cookies = createApplicationCookies(config);
  app.use(requests({ ...context, record }));
  app.use(turns());
  app.use(cookieAges());
  app.use(languages(config));
  app.use(securityHeaders(config));
  app.use(
    errors({
      log,
      publicOrigin: config.publicOrigin,
      async render(ctx, page) {
        if (isOfApi(ctx)) return answerApiError(ctx, page.status);
        const missing = missingInConsole(ctx, page);
        const { heading: title } = missing ?? page;
        await web.show(ctx, 'error', missing ?? page, { title, wide: missing !== null });
      },
    }),
  );
  app.use(noteRefusals(context));
  app.use(hostPages({ context, cookies }));
  app.use(health(context, readiness));
  app.use(ownHost(config));
  app.use(assets.middleware);
  app.use(compressLarge());
  app.use(sessions(app, { config, store: new SessionStore({ redis, cache: sessionCache }) }));
  // Two tabs are no attempt at anything; a form without a token of ours is.
  const otherSession: StaleForm = async (ctx, fields) => {
    if (!mayBeFormToken(fields['_csrf'])) await noteRefusal(ctx, context, 'malicious_csrf', { reason: 'stale_form' });
    return showOtherSession(ctx, web, fields);
  };
  const router = new PageRouter({ sensitive: true, strict: true }); // one spelling a page, so that a proxy's rules hold
  const methodsOf = (path: string) => router.methodsOf(path);
  /** The page that shows it again after the log-in. A confirmation is not asked for again: it leads on to what it was for. */
  const keepForLogIn = async (ctx: Koa.Context, fields: Fields) => {
    if (ctx.path.startsWith('/confirm')) return readNext(fields['next']) ?? '/profile';
    const page = await formPage(ctx);
    keepFormOfEnded(ctx, context, page.replace(/\?.*$/s, ''), fields);
    return page;
  };
  const ofEndedSession = (ctx: Koa.Context, fields: Fields) => {
    if (isForMembers(ctx.path)) ctx.state.keepForLogIn = () => keepForLogIn(ctx, fields);
  };
  // Whoever logged out in another tab has no cookie that says whose the form was; whoever logs in next sees it only if it is theirs.
  const lateForm = (ctx: Koa.Context, fields: Fields): StaleForm | undefined =>
    isForMembers(ctx.path) && mayBeFormToken(fields['_csrf'])
      ? async () => seeOther(ctx, withNext('/login', await keepForLogIn(ctx, fields)))
      : web.staleForms.get(ctx.path);
  app.use(csrf(config, { lateForm, otherSession, ofEndedSession, methodsOf }));
  app.use(limitActs(context));

  homePage(router, web);
  languagePage(router, web);
  wellKnownPages(router, web);
  registerPage(router, web);
  loginPage(router, web);
  resetPasswordPages(router, web);
  verifyEmailPage(router, web);
  invitationPage(router, web);
  secondFactorPages(router, web);
  passkeyLoginPage(router, web);
  reauthenticatePage(router, web);
  notMePage(router, web);
  securityPages(router, web);
  recoveryCodesPage(router, web);
  authenticatorPages(router, web);
  passkeyPages(router, web);
  ownTokensPages(router, web);
  profilePage(router, web);
  sessionsPage(router, web);
  activityPages(router, web);
  passwordPage(router, web);
  enterPage(router, web);
  applicationsPage(router, web);
  keysPage(router, web);
  overviewPage(router, web);
  findPages(router, web);
  endAllSessionsPage(router, web);
  sessionPage(router, web);
  dataAndDeletionPages(router, web);
  auditPage(router, web);
  exportPage(router, web);
  livePage(router, web, { streams, fragment: createFragments(views, TEXTS.en) });
  secureManyPages(router, web);
  eventPage(router, web);
  invitePage(router, web);
  invitationsPages(router, web);
  usersPage(router, web);
  userPage(router, web);
  userActions(router, web);
  groupActs(router, web);
  groupsPages(router, web);
  applicationForms(router, web);
  applicationActs(router, web);
  applicationsPages(router, web);
  alertsPages(router, web);
  drainsPages(router, web);
  mailPage(router, web);
  emailPages(router, web);
  devMailPage(router, web);
  attemptsPage(router, web);
  blocksPages(router, web);
  queuesPage(router, web, assets.urls);
  zonePages(router, web);
  savedViewPages(router, web);
  tokensPages(router, web);
  apiPage(router, web);
  app.use(router.routes());
  app.use(router.allowedMethods());
  const check = createCheck({ context, cookies, record });
  const pages = app.callback();
  const listener: RequestListener = (request, response) => {
    if (!check(request, response)) void pages(request, response);
  };
  return { app, listener, router, streams };
}
