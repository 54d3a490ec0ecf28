// What a system that people come from answers, when it is asked whether somebody has a password there.
import type { ServerResponse } from 'node:http';

/** What people have for a password there. */
export const WORD = 'pelican quartet';

export interface Asked {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly authorization: string | undefined;
  readonly body: { readonly email: string; readonly password: string };
}

export type Answer = (response: ServerResponse, asked: Asked) => void;

let ids = 0;

export function externalId(): string {
  ids += 1;
  return `old:${process.pid}:${ids}`;
}

export const text =
  (written: string | Buffer, type = 'application/json') =>
  (response: ServerResponse): unknown =>
    response.writeHead(200, { 'Content-Type': type }).end(written);

export const json = (body: unknown, type?: string) => text(JSON.stringify(body), type);

export const status =
  (code: number, headers = {}) =>
  (response: ServerResponse): unknown =>
    response.writeHead(code, headers).end();

/** Yes to whoever has this password. */
export function yes(fields: Readonly<Record<string, unknown>> = {}, password = WORD): Answer {
  const id = externalId();
  return (response, { body }) => {
    if (body.password !== password) return status(401)(response);
    return json({ externalId: id, email: body.email, ...fields })(response);
  };
}
