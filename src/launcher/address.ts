// Where `up` is found: a port that can be listened on, and whether what listens there is ready.

import { get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { tryPort } from './machine/ports.ts';
import type { LauncherSettings } from './settings.ts';

const portsToTry = 100;

/** Throws where a given port is taken; a taken default makes way for the next free port. */
export async function findAddress(settings: LauncherSettings, say: (line: string) => void): Promise<number> {
  const { host, port, portWasGiven } = settings;
  if ((await tryPort(port, host)) !== undefined) return port;
  if (portWasGiven) throw new Error(`Port ${port} on ${host} is taken, or may not be listened on. Give another PORT.`);
  for (let next = port + 1; next < port + portsToTry; next += 1) {
    if ((await tryPort(next, host)) === undefined) continue;
    say(`port ${port} is taken: using ${next}`);
    return next;
  }
  throw new Error(`No port from ${port} on can be listened on at ${host}. Give a PORT or another HOST.`);
}

/** Resolves when `/readyz` answers 200. `check` may throw to end the wait. */
export async function waitUntilReady(host: string, port: number, check: () => void): Promise<void> {
  const url = `http://${reachable(host)}:${port}/readyz`;
  for (;;) {
    check();
    if ((await statusOf(url)) === 200) return;
    await sleep(50);
  }
}

/** Undefined without an answer. The connection is not kept: an idle one would hold up the next reload. */
function statusOf(url: string): Promise<number | undefined> {
  return new Promise((resolve) => {
    const request = get(url, { agent: false, timeout: 2_000 }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve(undefined));
  });
}

/** An address to connect to for an address to listen on. */
function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}
