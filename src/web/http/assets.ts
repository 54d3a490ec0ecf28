// The style sheet, the scripts and the icon, read and hashed once at the start, compressed when they are first asked for. Their
// addresses change with their content, so that browsers keep them for ever.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import type Koa from 'koa';

export interface AssetUrls {
  readonly css: string;
  readonly js: string;
  readonly passkeys: string;
  readonly board: string;
  readonly icon: string;
}

export interface Assets {
  readonly urls: () => AssetUrls;
  readonly middleware: Koa.Middleware;
}

interface Asset {
  readonly url: string;
  readonly type: string;
  readonly body: Readonly<Record<'identity' | 'gzip' | 'br', () => Promise<Buffer>>>;
}

const nodeRequire = createRequire(import.meta.url);

type Table = Readonly<Record<keyof AssetUrls, Asset>>;

/** The two highest levels take 0.1 s and save 1 % of the size. */
const BROTLI = { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } };
const compress = { gzip: promisify(gzip), br: promisify(brotliCompress) };

const FOR_EVER = 'public, max-age=31536000, immutable';
const A_DAY = 'public, max-age=86400';
const HASHED = /^\/assets\/(holdfast|passkeys|board|icon)\.[\w-]+\.(css|js|svg)$/;

/** With `reload` (development) reads them again for every request. */
export function createAssets({ assetsDir, reload = false }: { assetsDir: string; reload?: boolean }): Assets {
  const loadedOnce = load(assetsDir);
  const table = reload ? () => load(assetsDir) : () => loadedOnce;
  return {
    urls: () => urlsOf(table()),
    middleware: (ctx, next) => {
      const asked = isRead(ctx.method) ? find(table(), ctx.path) : null;
      return asked === null ? next() : answer(ctx, asked.asset, asked.caching);
    },
  };
}

function urlsOf({ css, js, passkeys, board, icon }: Table): AssetUrls {
  return { css: css.url, js: js.url, passkeys: passkeys.url, board: board.url, icon: icon.url };
}

function isRead(method: string): boolean {
  return method === 'GET' || method === 'HEAD';
}

function load(assetsDir: string): Table {
  return {
    css: read(assetsDir, 'holdfast', 'css', 'text/css; charset=utf-8'),
    js: read(assetsDir, 'holdfast', 'js', 'text/javascript; charset=utf-8'),
    passkeys: read(assetsDir, 'passkeys', 'js', 'text/javascript; charset=utf-8', passkeyLibrary()),
    board: read(assetsDir, 'board', 'js', 'text/javascript; charset=utf-8'),
    icon: read(assetsDir, 'icon', 'svg', 'image/svg+xml'),
  };
}

/** The passkey library for browsers. Our script follows it and uses its global name. */
function passkeyLibrary(): Buffer {
  const main = nodeRequire.resolve('@simplewebauthn/browser');
  return readFileSync(join(dirname(main), '../dist/bundle/index.umd.min.js'));
}

function read(assetsDir: string, name: string, extension: string, type: string, ...before: Buffer[]): Asset {
  const identity = Buffer.concat([...before, readFileSync(join(assetsDir, `${name}.${extension}`))]);
  const hash = createHash('sha256').update(identity).digest('base64url').slice(0, 10);
  const body = {
    identity: async () => identity,
    gzip: once(() => compress.gzip(identity, { level: 9 })),
    br: once(() => compress.br(identity, BROTLI)),
  };
  return { url: `/assets/${name}.${hash}.${extension}`, type, body };
}

/** A thread of the pool does it. */
function once(make: () => Promise<Buffer>): () => Promise<Buffer> {
  let made: Promise<Buffer> | null = null;
  return () => {
    made ??= make();
    return made;
  };
}

// While processes are replaced, a page of the old version may ask the new one for its style sheet:
// it gets the present one, not to be kept.
function find(table: Table, path: string): { asset: Asset; caching: string } | null {
  if (path === '/favicon.ico') return { asset: table.icon, caching: A_DAY };
  const match = HASHED.exec(path);
  if (match === null) return null;
  const asset = Object.values(table).find(
    ({ url }) => url.startsWith(`/assets/${match[1]}.`) && url.endsWith(`.${match[2]}`),
  );
  if (asset === undefined) return null;
  return { asset, caching: asset.url === path ? FOR_EVER : 'no-store' };
}

async function answer(ctx: Koa.Context, asset: Asset, caching: string): Promise<void> {
  const encoding = ctx.acceptsEncodings('br', 'gzip', 'identity');
  const chosen = encoding === 'br' || encoding === 'gzip' ? encoding : 'identity';
  ctx.type = asset.type;
  ctx.set('Cache-Control', caching);
  ctx.vary('Accept-Encoding');
  if (chosen !== 'identity') ctx.set('Content-Encoding', chosen);
  ctx.body = await asset.body[chosen]();
}
