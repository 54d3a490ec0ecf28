// Whole answers are handed over without Koa's following them; every answer is as Koa's own.
import { once } from 'node:events';
import { createServer, type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import Koa from 'koa';
import { answerAtOnce } from '../../src/web/http/answer-at-once.ts';

const ANSWERS: Readonly<Record<string, (ctx: Koa.Context) => unknown>> = {
  '/page': (ctx) => {
    ctx.type = 'html';
    ctx.body = Buffer.from('<p>ü</p>');
  },
  '/status': (ctx) => {
    ctx.status = 422;
    ctx.body = Buffer.from('no');
  },
  '/nothing': () => undefined,
  '/empty': (ctx) => {
    ctx.status = 204;
  },
  '/unchanged': (ctx) => {
    ctx.body = Buffer.from('as before');
    ctx.status = 304;
  },
  '/words': (ctx) => {
    ctx.body = 'ü';
  },
  '/json': (ctx) => {
    ctx.status = 202;
    ctx.body = { status: 'ok' };
  },
  '/stream': (ctx) => {
    ctx.status = 201;
    ctx.body = Readable.from(['one', 'two']);
  },
  '/leads': (ctx) => {
    ctx.redirect('/page');
    ctx.status = 303;
  },
  '/own': (ctx) => {
    ctx.respond = false;
    ctx.body = Buffer.from('that');
    ctx.res.writeHead(418).end('this');
  },
  '/breaks': () => {
    throw Object.assign(new Error('broken'), { status: 409, expose: true });
  },
};

async function answered(quick: boolean, method: string, path: string) {
  const app = new Koa();
  const errors: string[] = [];
  app.on('error', (error: Error) => errors.push(error.message));
  if (quick) answerAtOnce(app);
  app.use((ctx) => ANSWERS[ctx.path]?.(ctx));
  const server = createServer(app.callback());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const [answer] = (await once(request({ port, host: '127.0.0.1', path, method }).end(), 'response')) as [
    IncomingMessage,
  ];
  let body = '';
  for await (const part of answer.setEncoding('utf8')) body += part;
  server.close();
  const { date, ...headers } = answer.headers;
  expect(date).toBeDefined();
  return { status: answer.statusCode, headers, body, errors };
}

const asked = Object.keys(ANSWERS).flatMap((path) => ['GET', 'HEAD'].map((method) => [method, path] as const));

it.each(asked)('%s %s', async (method, path) => {
  expect(await answered(true, method, path)).toEqual(await answered(false, method, path));
});
