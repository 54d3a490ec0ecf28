// Inviting somebody: the link goes by mail, or without mail to the operator.
import type Router from '@koa/router';
import type Koa from 'koa';
import { readEmail } from '../../../core/platform/email-address.ts';
import { readBody } from '../../http/form.ts';
import { seeOther } from '../../http/redirect.ts';
import { requireOperator, requireRecentLogin } from '../../session/access.ts';
import { typedBefore } from '../../session/kept-form.ts';
import { actorOf } from '../../session/member.ts';
import type { Web } from '../../view/page.ts';
import { toldOf } from '../../view/told.ts';
import type { Views } from '../../view/views.ts';

const PATH = '/operator/users/invite';

export function invitePage(router: Router, web: Web): void {
  const { invitations, config, mail } = web.context;
  const operator = requireOperator(web.context);

  router.get(PATH, operator, (ctx) => {
    const { email = '', auditor } = typedBefore(ctx, web.context);
    return show(ctx, web, { email, auditor: auditor === 'on' });
  });

  router.post(PATH, operator, requireRecentLogin(web.context, PATH), async (ctx) => {
    const fields = await readBody(ctx);
    const typed = fields['email']?.trim() ?? '';
    const auditor = fields['auditor'] === 'on';
    const email = readEmail(typed);
    if (email === null) {
      ctx.status = 422;
      return show(ctx, web, { email: typed, auditor, errors: { email: 'This is not a whole e-mail address.' } });
    }
    const by = actorOf(ctx);
    const result = await invitations.invite(email, toldOf(ctx), by, {
      reveal: !mail.possible,
      role: auditor ? 'auditor' : 'member',
    });
    if (!result.ok) {
      ctx.status = 422;
      return show(ctx, web, { email, auditor, errors: { email: 'There is an account with this address already.' } });
    }
    if (result.secret === null) return seeOther(ctx, '/operator/users?done=invited');
    return show(ctx, web, { email, link: `${config.publicOrigin}/invitation?token=${result.secret}` });
  });
}

function show(ctx: Koa.Context, web: Web, given: Partial<Views['operator/invite']>): Promise<void> {
  const { email = '', auditor = false, errors = {}, link = null } = given;
  const page = { email, auditor, problem: null, errors, link, possible: web.context.mail.possible };
  return web.show(ctx, 'operator/invite', page, { title: 'Invite somebody', current: 'people', wide: true });
}
