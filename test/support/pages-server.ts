// Serves every fixture of every view under its name, with the real templates, assets and Content Security Policy, and
// without any store: for tests of how pages look, and for pictures of them.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import Koa from 'koa';
import { projectRoot } from '../../src/core/platform/project-root.ts';
import { createAssets } from '../../src/web/http/assets.ts';
import { createRenderer } from '../../src/web/view/render.ts';
import { FIXTURES, HOSTILE_FIXTURES } from './view-fixtures.ts';

const CSP =
  "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; frame-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/** Where axe-core is for its pages: a script that they load is compiled once, one that is evaluated there each time. */
export const AXE = '/axe.min.js';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'));

export interface PagesServer {
  readonly url: string;
  close(): Promise<void>;
}

export async function servePages(): Promise<PagesServer> {
  const viewsDir = join(projectRoot, 'views');
  const assets = createAssets({ assetsDir: join(viewsDir, 'assets') });
  const render = createRenderer({ viewsDir, assets: assets.urls });
  const pages = new Map([...FIXTURES, ...HOSTILE_FIXTURES].map((fixture) => [`/${fixture.name}`, fixture]));
  const app = new Koa();
  // A page that is left ends its stream, which is no fault.
  app.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'ERR_STREAM_PREMATURE_CLOSE') console.error(error);
  });
  app.use(async (ctx, next) => {
    ctx.set('Content-Security-Policy', CSP);
    await next();
  });
  app.use(assets.middleware);
  app.use(async (ctx) => {
    if (ctx.path === AXE) {
      ctx.set('Cache-Control', 'max-age=3600');
      ctx.type = 'js';
      ctx.body = axe;
      return;
    }
    if (ctx.path === '/operator/audit/live') {
      const silent = new PassThrough(); // of a log in which nothing happens
      silent.write('retry: 1000\n\n');
      ctx.type = 'text/event-stream';
      ctx.body = silent;
      return;
    }
    if (ctx.path === '/board') {
      ctx.set('Content-Security-Policy', CSP.replace("frame-ancestors 'none'", "frame-ancestors 'self'"));
      ctx.type = 'html';
      ctx.body = '<!doctype html><html lang="en"><title>Board</title><main><h1>Board</h1></main></html>'; // in place of Bull Board
      return;
    }
    const fixture = pages.get(ctx.path);
    if (fixture !== undefined) await render(ctx, fixture.view, fixture.page, fixture.frame);
  });
  const server = createServer(app.callback());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
