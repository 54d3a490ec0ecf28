// What the page modules share: the frame around a page, drawn for whoever asks.
import type Koa from 'koa';
import type { Context } from '../core/context.ts';
import { csrfToken } from './csrf.ts';
import type { Render } from './render.ts';
import { liveSession } from './state.ts';
import type { Frame, Views } from './views.ts';

interface FrameOptions {
  readonly title: string;
  readonly current?: Frame['current'];
  readonly wide?: boolean;
  readonly notice?: Frame['notice'];
}

/** What a page module is handed. */
export interface Web {
  readonly context: Context;
  /** Answers with a page in its frame. */
  show<V extends keyof Views>(ctx: Koa.Context, view: V, page: Views[V], options: FrameOptions): Promise<void>;
}

export function createWeb(context: Context, render: Render): Web {
  const { config } = context;
  return {
    context,
    show(ctx, view, page, { title, current = null, wide = false, notice = null }) {
      const owner = liveSession(ctx)?.owner;
      return render(ctx, view, page, {
        serviceName: config.serviceName,
        title,
        current,
        member: owner ? { email: owner.email, operator: owner.role === 'operator' } : null,
        // An error page has a form only for a member: the one that logs out. It must give nobody a cookie.
        csrf: view === 'error' && !owner ? '' : csrfToken(ctx, config),
        notice,
        wide,
      });
    },
  };
}

/** 303: what was asked has been done; look at it there. */
export function seeOther(ctx: Koa.Context, path: string): void {
  ctx.status = 303;
  ctx.redirect(path);
  ctx.status = 303;
}
