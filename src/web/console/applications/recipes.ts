// What an operator puts into the proxy in front of an application: each recipe, filled in with where things are.
import type Koa from 'koa';
import type { Application } from '../../../core/applications/application.ts';
import type { Config } from '../../../core/config.ts';
import {
  PROXIES,
  type ProxyName,
  portOf,
  type RecipeProblem,
  writeRecipe,
} from '../../../core/forward-auth/recipes.ts';
import { isLedByAnotherSite, queryText } from '../../http/query.ts';
import type { Places, Recipe } from '../../view/registry-views.ts';
import type { FieldErrors } from '../../view/view-parts.ts';

const NAMES: Readonly<Record<ProxyName, string>> = {
  nginx: 'nginx',
  caddy: 'Caddy',
  haproxy: 'HAProxy',
  traefik: 'Traefik',
  envoy: 'Envoy',
};

/**
 * Where the proxy listens, and where it finds the two, as an operator says it in the page's address. A link of another site says
 * nothing: an operator might copy a proxy that asks a stranger who may enter.
 */
export function placesOf(ctx: Koa.Context, { url }: Pick<Application, 'url'>, { port }: Pick<Config, 'port'>): Places {
  const isOthers = isLedByAnotherSite(ctx);
  const said = (name: string, otherwise: string) => (!isOthers && queryText(ctx, name)) || otherwise;
  return {
    listen: said('listen', portOf(new URL(url))),
    upstream: said('upstream', 'http://127.0.0.1:8000'),
    holdfast: said('holdfast', `http://127.0.0.1:${port}`),
  };
}

/** Empty with what is wrong where a place is none. */
export function recipesOf(application: Application, places: Places): { recipes: Recipe[]; errors: FieldErrors } {
  const recipes: Recipe[] = [];
  for (const proxy of PROXIES) {
    const result = writeRecipe(proxy, application, { ...places, listen: Number(places.listen) });
    if (!result.ok) return { recipes: [], errors: { [result.problem]: WRONG[result.problem] } };
    const several = result.files.length > 1;
    for (const { name, text } of result.files) {
      recipes.push({ proxy: several ? `${NAMES[proxy]}: ${name}` : NAMES[proxy], text });
    }
  }
  return { recipes, errors: {} };
}

const WRONG: Readonly<Record<RecipeProblem, string>> = {
  listen: 'A port is a number from 1 to 65535.',
  upstream: 'Such as http://127.0.0.1:8000, without a path.',
  holdfast: 'Such as http://127.0.0.1:3000, without a path.',
};

/** The command that prints one of them. */
export function recipeCommandOf({ slug }: Pick<Application, 'slug'>, { listen, upstream, holdfast }: Places): string {
  const where = `--listen ${listen} --upstream ${upstream} --holdfast ${holdfast}`;
  return `bin/holdfast applications recipe ${slug} --proxy nginx ${where}`;
}
