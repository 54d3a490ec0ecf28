// The configuration of a proxy in front of an application: a template of deploy/recipes, filled in, which the proxy takes as it is.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Application } from '../applications/application.ts';
import { parseUrl } from '../platform/parse-url.ts';
import { projectRoot } from '../platform/project-root.ts';

/** By proxy, its files; the first is the one that it is started with. */
const FILES = {
  nginx: ['nginx.conf'],
  caddy: ['Caddyfile'],
  haproxy: ['haproxy.cfg', 'holdfast.lua'],
  traefik: ['traefik.yaml'],
  envoy: ['envoy.yaml'],
} as const satisfies Record<string, readonly [string, ...string[]]>;

export type ProxyName = keyof typeof FILES;
export const PROXIES = Object.keys(FILES) as ProxyName[];

export interface RecipeOptions {
  /** The port on which the proxy listens. */
  readonly listen: number;
  /** Where the application is, as the proxy reaches it. */
  readonly upstream: string;
  /** Where Holdfast's web processes are, as the proxy reaches them. */
  readonly holdfast: string;
  /** In which the files stand; those that name each other need it. */
  readonly folder?: string;
}

export type RecipeProblem = 'listen' | 'upstream' | 'holdfast';

export interface RecipeFile {
  readonly name: string;
  readonly text: string;
}

export type RecipeResult =
  | { readonly ok: true; readonly files: readonly RecipeFile[] }
  | { readonly ok: false; readonly problem: RecipeProblem };

type Named = Pick<Application, 'name' | 'slug' | 'url'> & Partial<Pick<Application, 'remoteUser'>>;

export function writeRecipe(proxy: ProxyName, application: Named, options: RecipeOptions): RecipeResult {
  const [upstream, holdfast] = [readServer(options.upstream), readServer(options.holdfast)];
  if (!Number.isInteger(options.listen) || options.listen < 1 || options.listen > 65_535) return wrong('listen');
  if (!upstream) return wrong('upstream');
  if (!holdfast) return wrong('holdfast');
  const values = valuesOf(application, { ...options, upstream, holdfast });
  const files = FILES[proxy].map((name) => ({ name, text: fill(name, values, application) }));
  return { ok: true, files };
}

function wrong(problem: RecipeProblem): RecipeResult {
  return { ok: false, problem };
}

/** `http://127.0.0.1:3000`, and nothing after it: what goes into a configuration must not write more of it. */
function readServer(text: string): URL | null {
  return /^https?:\/\/[\w.:[\]-]+\/?$/.test(text) ? parseUrl(text) : null;
}

interface Filling {
  readonly listen: number;
  readonly upstream: URL;
  readonly holdfast: URL;
  readonly folder?: string;
}

function valuesOf({ name, slug, url }: Named, { listen, upstream, holdfast, folder = '.' }: Filling) {
  const { host, hostname, protocol } = new URL(url);
  return new Map<string, string>([
    ['name', oneLine(name)],
    ['slug', slug],
    ['id', slug.replaceAll('-', '_')],
    ['host', host],
    ['hostname', hostname],
    ['scheme', protocol.slice(0, -1)],
    ['listen', String(listen)],
    ['folder', folder],
    ...serverValues('holdfast', holdfast),
    ...serverValues('upstream', upstream),
  ]);
}

function serverValues(what: 'holdfast' | 'upstream', url: URL): [string, string][] {
  const port = portOf(url);
  return [
    [what, url.origin],
    [`${what}Scheme`, url.protocol.slice(0, -1)],
    [`${what}Host`, `${url.hostname}:${port}`],
    [`${what}Name`, url.hostname],
    [`${what}Port`, port],
    [`${what}Tls`, url.protocol === 'https:' ? ` ssl verify required ca-file @system-ca sni str(${url.hostname})` : ''],
  ];
}

/** Also where the URL leaves it out. */
export function portOf({ port, protocol }: URL): string {
  return port || (protocol === 'https:' ? '443' : '80');
}

/** It stands in comments: a line more would be configuration. */
function oneLine(name: string): string {
  return name.replaceAll(/[^\p{L}\p{N}\p{P}\p{Zs}]/gu, ' ').replaceAll(/[{}`]/g, ' ');
}

/** A line after `{{?remoteUser}}` is of those that get Remote-User, after `{{!remoteUser}}` of all others. */
function fill(file: string, values: ReadonlyMap<string, string>, { remoteUser }: Pick<Named, 'remoteUser'>): string {
  const template = readFileSync(join(projectRoot, 'deploy', 'recipes', file), 'utf8');
  const [kept, left] = remoteUser ? ['?', '!'] : ['!', '?'];
  return template
    .replaceAll(new RegExp(`^\\{\\{\\${left}remoteUser\\}\\}.*\\n`, 'gm'), '')
    .replaceAll(`{{${kept}remoteUser}}`, '')
    .replaceAll(/\{\{(\w+)\}\}/g, (_tag, name: string) => {
      const value = values.get(name);
      if (value === undefined) throw new Error(`${file} names ${name}, which nothing fills in`);
      return value;
    });
}
