// A Koa context without a server: enough for what only sets a body.
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import Koa from 'koa';

const app = new Koa();

export function pageContext(): Koa.Context {
  const request = new IncomingMessage(new Socket());
  return app.createContext(request, new ServerResponse(request));
}
