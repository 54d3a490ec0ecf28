// What the start of a session needs to know of a browser.
import type Koa from 'koa';
import type { Config } from '../../core/config.ts';
import type { Begun, Visit } from '../../core/login/start-session.ts';
import type { Holder } from '../../core/self-service/not-me.ts';
import { deviceCookie, readDevices } from '../session/device-cookie.ts';
import { type LinkKind, linkCookie } from '../session/link-cookie.ts';
import { liveSession } from '../session/request-state.ts';
import { enterSession } from '../session/session-cookie.ts';
import { toldOf } from './told.ts';

type VisitConfig = Pick<Config, 'secureCookies' | 'throttle'>;

/** Its `told` lets a mail tell the owner of a new browser or network. */
export function visitOf(ctx: Koa.Context, config: VisitConfig, remember = false): Required<Visit> {
  return { ...firstVisitOf(ctx, config), remember, told: toldOf(ctx) };
}

/** Of somebody whose account is new: without mail. */
export function firstVisitOf(ctx: Koa.Context, config: VisitConfig): Omit<Visit, 'told'> {
  return {
    remember: false,
    previousSessionId: liveSession(ctx)?.owner.id ?? null,
    origin: ctx.state.origin,
    deviceCookie: readDevices(ctx, config),
  };
}

/** What a browser brings along with a link that takes an account back. */
export function holderOf(ctx: Koa.Context, config: VisitConfig, kind: LinkKind): Holder {
  const secret = linkCookie.read(ctx, config, kind);
  return { secret, deviceCookie: deviceCookie.read(ctx, config), origin: ctx.state.origin };
}

/** Gives the browser its session and its device cookie. */
export function startVisit(ctx: Koa.Context, config: VisitConfig, begun: Begun): Promise<void> {
  deviceCookie.keep(ctx, config, begun.deviceCookie);
  return enterSession(ctx, begun.session);
}
