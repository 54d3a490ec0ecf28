// The choice of a language at the foot of every page; a member's account keeps it too.
import type Router from '@koa/router';
import { isDatabaseOutage } from '../../core/platform/database.ts';
import { readBody, readNext } from '../http/form.ts';
import { seeOther } from '../http/redirect.ts';
import { actorOf } from '../session/member.ts';
import { keepLanguage } from '../texts/language.ts';
import type { Web } from '../view/page.ts';

export function languagePage(router: Router, { context: { config, users, log } }: Web): void {
  router.post('/language', async (ctx) => {
    const fields = await readBody(ctx);
    const language = config.languages.find((one) => one === fields['language']);
    if (language) {
      keepLanguage(ctx, config, language);
      const by = actorOf(ctx);
      if (by.actor !== null) await users.setLanguage(by.actor, language, by).catch(unlessOutage);
    }
    seeOther(ctx, readNext(fields['back']) ?? '/');
  });

  /** The cookie is enough: pages change language without PostgreSQL. */
  function unlessOutage(error: unknown): void {
    if (!isDatabaseOutage(error)) throw error;
    log.debug({ err: error }, 'the language of an account stays as it was');
  }
}
