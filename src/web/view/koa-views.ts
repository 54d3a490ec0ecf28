// koa-views without its questions to the disk. At every render it asks whether the view is a file
// and works out its path, which costs more than the page. A name with its extension needs no such
// question, and a path is worked out once. Where its helpers can't be replaced, it asks as ever.
import Module, { createRequire } from 'node:module';
import type koaViews from 'koa-views';
import { memo } from '../http/memo.ts';

type GetPaths = (root: string, name: string, extension: string) => Promise<{ rel: string; ext: string }>;
type ResolvePath = (root: string, name: string) => string;

export const EXTENSION = '.ejs';

const nodeRequire = createRequire(import.meta.url);

export function loadKoaViews(): typeof koaViews {
  const requireInside = createRequire(nodeRequire.resolve('koa-views'));
  const replace = (name: string, by: GetPaths | ResolvePath) => {
    const loaded = requireInside.cache[requireInside.resolve(name)];
    if (loaded !== undefined) loaded.exports = by;
  };
  leaveOut(requireInside, 'pretty');
  replace('get-paths', quickGetPaths(requireInside('get-paths')));
  replace('resolve-path', quickResolvePath(requireInside('resolve-path')));
  return nodeRequire('koa-views');
}

/** What formats pages would be loaded in every process, and is used by none. */
function leaveOut(requireInside: NodeJS.Require, name: string): void {
  const file = requireInside.resolve(name);
  requireInside.cache[file] ??= Object.assign(new Module(file), { exports: () => undefined, loaded: true });
}

function quickGetPaths(getPaths: GetPaths): GetPaths {
  const named = memo((name: string) => Promise.resolve({ rel: name, ext: EXTENSION.slice(1) }));
  return (root, name, extension) => (name.endsWith(EXTENSION) ? named(name) : getPaths(root, name, extension));
}

function quickResolvePath(resolvePath: ResolvePath): ResolvePath {
  const inRoot = memo((root: string) => memo((name: string) => resolvePath(root, name)));
  return (root, name) => inRoot(root)(name);
}
