// The router of the pages. Promises what @koa/router does; hides that a path which leads to the same routes whenever it is asked
// for is held against their patterns, a hundred of them, only once.
import Router from '@koa/router';

type Match = ReturnType<Router['match']>;

export class PageRouter extends Router {
  /** Of paths without parameters alone: there are only so many. */
  readonly #known = new Map<string, Match>();

  override match(path: string, method: string): Match {
    const key = `${method} ${path}`;
    const known = this.#known.get(key);
    if (known) return { ...known, path: [...known.path] }; // the router hands it to the request, which may add to it
    const found = super.match(path, method);
    const fixed = found.path.length > 0 && found.path.every((layer) => layer.paramNames.length === 0);
    if (fixed) this.#known.set(key, found);
    return found;
  }
}
