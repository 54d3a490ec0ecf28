// Where `up` is found: a port that can be listened on, and whether what listens there is ready.

import { get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { portProblem, tryPort } from './machine/ports.ts';
import type { LauncherSettings } from './settings.ts';

const portsToTry = 100;
const NO_HOST: ReadonlySet<string> = new Set(['ENOTFOUND', 'EAI_AGAIN', 'EADDRNOTAVAIL', 'EINVAL']);

/** Throws where a given port is taken; a taken default makes way for the next free port. */
export async function findAddress(settings: LauncherSettings, say: (line: string) => void): Promise<number> {
  const { host, port, portWasGiven } = settings;
  const problem = await portProblem(port, host);
  if (problem === undefined) return port;
  if (NO_HOST.has(problem)) throw new Error(`HOST is ${host}, which is no IP address or name of this machine.`);
  if (portWasGiven && problem === 'EACCES')
    throw new Error(`This user may not listen on port ${port}. Give another PORT.`);
  if (portWasGiven) throw new Error(`Port ${port} on ${host} is taken. Give another PORT.`);
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
export function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}
