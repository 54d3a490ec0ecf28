// The choice of a language, from the foot of any page, which it leads back to.
import type Router from '@koa/router';
import { readBody, readNext } from '../form.ts';
import { keepLanguage } from '../language.ts';
import { seeOther, type Web } from '../page.ts';

export function languagePage(router: Router, { context: { config } }: Web): void {
  router.post('/language', async (ctx) => {
    const fields = await readBody(ctx);
    const language = config.languages.find((one) => one === fields['language']);
    if (language) keepLanguage(ctx, config, language);
    seeOther(ctx, readNext(fields['back']) ?? '/');
  });
}
