// What a mail says of its request, and its language where the account has none.
import type Koa from 'koa';
import type { Told } from '../../core/mail/templates.ts';
import { deviceNames } from '../../core/platform/device-names.ts';
import { describeDevice } from '../texts/times-and-devices.ts';
import { browserZone } from '../texts/zone.ts';

export function toldOf(ctx: Koa.Context): Told {
  const { text, origin, now } = ctx.state;
  const device = describeDevice(origin.userAgent, text);
  const { name: browser, place: system } = deviceNames(origin.userAgent);
  const zone = browserZone(ctx);
  return { language: text.language, from: { at: now.toISOString(), device, browser, system, ip: origin.ip, zone } };
}

/** The owner learns that an operator did it, and not from where. */
export function toldByOperator(ctx: Koa.Context): Told {
  const { text, now } = ctx.state;
  return { language: text.language, from: { at: now.toISOString(), device: 'the operators’ console', ip: null } };
}
