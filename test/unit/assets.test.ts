// The assets as browsers ask for them: for ever under their own address, never stale under another's.
import { join } from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import Koa from 'koa';
import request from 'supertest';
import { createAssets } from '../../src/web/http/assets.ts';

const assets = createAssets({ assetsDir: join(import.meta.dirname, '../../views/assets') });
const app = new Koa().use(assets.middleware).callback();

it('serves each under an address made of its content, to be kept for ever', async () => {
  for (const url of Object.values(assets.urls())) {
    expect(url).toMatch(/^\/assets\/\w+\.[\w-]{10}\.(css|js|svg)$/);
    const response = await request(app).get(url).expect(200);
    expect(response.headers['cache-control']).toBe('public, max-age=31536000, immutable');
    expect(response.headers['vary']).toContain('Accept-Encoding');
  }
});

it('serves it compressed as the browser accepts it, again and again', async () => {
  const plain = await ask('identity');
  expect(gunzipSync(await ask('gzip'))).toEqual(plain);
  for (const _ of [1, 2]) expect(brotliDecompressSync(await ask('br'))).toEqual(plain);
});

it('answers a page of another version with the present file, not to be kept', async () => {
  const response = await request(app).get('/assets/holdfast.oldoldoldo.css').expect(200);
  expect(response.headers['cache-control']).toBe('no-store');
  expect(response.type).toBe('text/css');
});

it('has an icon for those who ask without looking', async () => {
  const response = await request(app).get('/favicon.ico').expect(200);
  expect(response.type).toBe('image/svg+xml');
  await request(app).head('/favicon.ico').expect(200);
});

it.each(['/assets/', '/assets/holdfast.css', '/assets/icon.0123456789.css', '/assets/..%2F..%2Fpackage.json', '/'])(
  'knows nothing of %s',
  async (path) => {
    await request(app).get(path).expect(404);
  },
);

it('leaves other methods to others', async () => {
  await request(app).post(assets.urls().css).expect(404);
});

async function ask(encoding: string): Promise<Buffer> {
  const server = new Koa().use(assets.middleware).listen(0);
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('not listening');
  const { get } = await import('node:http');
  const chunks: Buffer[] = [];
  await new Promise<void>((resolve, reject) => {
    const options = { port: address.port, path: assets.urls().css, headers: { 'accept-encoding': encoding } };
    get(options, (response) => response.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', resolve)).on(
      'error',
      reject,
    );
  });
  await new Promise((resolve) => server.close(resolve));
  return Buffer.concat(chunks);
}
