// Keys as Holdfast publishes them, and assertions signed with them, for applications that verify these.
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Key {
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

export function newKey(kid: string): Key {
  return { kid, ...generateKeyPairSync('ed25519') };
}

export interface KeyServer {
  readonly url: string;
  /** What is published now, whether it answers, and how often it was asked. */
  published: readonly Key[];
  away: boolean;
  asked: number;
  close(): void;
}

/** Answers like a Holdfast of which only the keys are asked. */
export async function startKeyServer(): Promise<KeyServer> {
  const server = createServer((request, response) => {
    keyServer.asked += 1;
    if (keyServer.away || request.url !== '/.well-known/holdfast-keys.json') return response.writeHead(503).end();
    const keys = keyServer.published.map(({ kid, publicKey }) => ({ ...publicKey.export({ format: 'jwk' }), kid }));
    return response.setHeader('Content-Type', 'application/jwk-set+json').end(JSON.stringify({ keys }));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const keyServer: KeyServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    published: [],
    away: false,
    asked: 0,
    close: () => server.close(),
  };
  return keyServer;
}

interface Assertion {
  readonly key: Key;
  readonly head?: object;
  readonly claims: object;
}

export function signAssertion({ key, head, claims }: Assertion): string {
  const header = { alg: 'EdDSA', typ: 'holdfast-assertion+jwt', kid: key.kid, ...head };
  const parts = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'));
  return [...parts, sign(null, Buffer.from(parts.join('.')), key.privateKey).toString('base64url')].join('.');
}
