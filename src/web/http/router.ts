// The router of the pages: @koa/router, which matches a path without parameters against its hundred
// patterns only once.
import Router from '@koa/router';
import { memo } from './memo.ts';

type Match = ReturnType<Router['match']>;

export class PageRouter extends Router {
  readonly #find = memo(
    (asked: string): Match => {
      const space = asked.indexOf(' ');
      return super.match(asked.slice(space + 1), asked.slice(0, space));
    },
    { keeps: (_asked, match) => isFixed(match) },
  );

  /** What a path takes, for `Allow`; empty where there is no page. */
  methodsOf(path: string): string[] {
    return [...new Set(this.match(path, 'GET').path.flatMap(({ methods }) => methods))];
  }

  override match(path: string, method: string): Match {
    const match = this.#find(`${method} ${path}`);
    return { ...match, path: [...match.path] }; // the router hands it to the request, which may add to it
  }
}

/** Without parameters, so that the number of remembered paths is limited. */
function isFixed({ path }: Match): boolean {
  return path.length > 0 && path.every((layer) => layer.paramNames.length === 0);
}
