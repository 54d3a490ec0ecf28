// What an operator puts into the proxy in front of an application: each recipe filled in for a proxy on the same machine.
import type { Application } from '../../../core/applications/application.ts';
import type { Config } from '../../../core/config.ts';
import { PROXIES, type ProxyName, writeRecipe } from '../../../core/forward-auth/recipes.ts';
import type { Recipe } from '../../view/registry-views.ts';

const NAMES: Readonly<Record<ProxyName, string>> = {
  nginx: 'nginx',
  caddy: 'Caddy',
  haproxy: 'HAProxy',
  traefik: 'Traefik',
  envoy: 'Envoy',
};

/** Where the proxy listens and the application is can't be known here; the command fills in others. */
const ASSUMED = { listen: 8443, upstream: 'http://127.0.0.1:8000' } as const;

export function recipesOf(application: Application, { port }: Pick<Config, 'port'>): readonly Recipe[] {
  return PROXIES.flatMap((proxy) => {
    const result = writeRecipe(proxy, application, { ...ASSUMED, holdfast: `http://127.0.0.1:${port}` });
    if (!result.ok) return [];
    const several = result.files.length > 1;
    return result.files.map(({ name, text }) => ({ proxy: several ? `${NAMES[proxy]}: ${name}` : NAMES[proxy], text }));
  });
}

/** The command for any other place. */
export function recipeCommandOf({ slug }: Pick<Application, 'slug'>): string {
  return `holdfast applications recipe ${slug} --proxy nginx --listen PORT --upstream URL --holdfast URL`;
}
