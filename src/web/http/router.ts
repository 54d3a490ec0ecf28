// The router of the pages: @koa/router, which matches a path without parameters against its hundred patterns only once, and
// puts together only once what runs for it.
import Router from '@koa/router';
import type Koa from 'koa';
import { memo } from './memo.ts';

type Match = ReturnType<Router['match']>;
type Routes = ReturnType<Router['routes']>;

interface Found {
  readonly match: Match;
  /** All that runs for a path without parameters; null for others, and where there is no page. */
  readonly chain: readonly Koa.Middleware[] | null;
  readonly route: unknown;
}

export class PageRouter extends Router {
  readonly #find = memo(
    (asked: string): Found => {
      const space = asked.indexOf(' ');
      const match = super.match(asked.slice(space + 1), asked.slice(0, space));
      const layers = match.pathAndMethod;
      const chain = match.route && isFixed(match) ? layers.flatMap(({ stack }) => stack as Koa.Middleware[]) : null;
      return { match, chain, route: layers.at(-1)?.path };
    },
    { keeps: (_asked, { match }) => isFixed(match) },
  );

  /** What a path takes, for `Allow`; empty where there is no page. */
  methodsOf(path: string): string[] {
    return [...new Set(this.match(path, 'GET').path.flatMap(({ methods }) => methods))];
  }

  override match(path: string, method: string): Match {
    const { match } = this.#find(`${method} ${path}`);
    return { ...match, path: [...match.path] }; // the router hands it to the request, which may add to it
  }

  override routes(): Routes {
    const others = super.routes() as unknown as Koa.Middleware;
    const dispatch: Koa.Middleware = (ctx, next) => {
      const { chain, route } = this.#find(`${ctx.method} ${ctx.path}`);
      if (chain === null) return others(ctx, next);
      ctx['params'] = {};
      ctx['_matchedRoute'] = route;
      return run(chain, 0, ctx, next);
    };
    return Object.assign(dispatch, { router: this }) as unknown as Routes;
  }
}

/** One after the other, as Koa does. */
function run(chain: readonly Koa.Middleware[], at: number, ctx: Koa.Context, last: Koa.Next): Promise<unknown> {
  const middleware = chain[at];
  if (!middleware) return last();
  try {
    return Promise.resolve(middleware(ctx, () => run(chain, at + 1, ctx, last)));
  } catch (error) {
    return Promise.reject(error);
  }
}

/** Without parameters, so that the number of remembered paths is limited. */
function isFixed({ path }: Match): boolean {
  return path.length > 0 && path.every((layer) => layer.paramNames.length === 0);
}
