// What a mail says of the request that led to it, and in which language.
import type Koa from 'koa';
import { LANGUAGES } from '../core/config.ts';
import type { Told } from '../core/mail-templates.ts';
import { describeDevice } from './words.ts';

export function toldOf(ctx: Koa.Context): Told {
  const { text, origin } = ctx.state;
  const device = describeDevice(origin.userAgent, text);
  const language = LANGUAGES.find((one) => one === text.language) ?? 'en';
  return { language, from: { at: new Date().toISOString(), device, ip: origin.ip } };
}
