// What of the settings is in the way of the demo.
import { BlockList, isIP } from 'node:net';
import type { Environment, LauncherSettings } from '../settings.ts';

export const DEMO_HOST = 'demo.localhost';

/** A sentence; undefined if nothing is in the way. */
export function demoProblem({ publicUrl, host }: LauncherSettings, env: Environment): string | undefined {
  if (publicUrl && !isOfThisMachine(new URL(publicUrl)))
    return `--demo is for a PUBLIC_URL of this machine with plain http, and not of ${DEMO_HOST}; it is ${publicUrl}.`;
  const proxies = env.TRUSTED_PROXIES?.trim();
  if (!proxies || trusts(proxies, checkedFrom(host))) return undefined;
  return `--demo needs ${checkedFrom(host)} in TRUSTED_PROXIES, from where its nginx asks; it is ${proxies}.`;
}

/** The web processes' environment, in which the demo's nginx is answered if the user names no proxies. */
export function trustingDemo(env: Environment, host: string): Environment {
  if (env.TRUSTED_PROXIES?.trim()) return env;
  return { ...env, TRUSTED_PROXIES: [...new Set(['127.0.0.1', '::1', checkedFrom(host)])].join(',') };
}

/** Whoever connects to an IP address of this machine does so from the same one. */
function checkedFrom(host: string): string {
  if (host === '::') return '::1';
  return isIP(host) && host !== '0.0.0.0' ? host : '127.0.0.1';
}

function isOfThisMachine({ protocol, hostname }: URL): boolean {
  const isLocal = /^(localhost|.+\.localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
  return protocol === 'http:' && isLocal && hostname !== DEMO_HOST;
}

/** The list was found good. `::ffff:10.0.0.0/104` holds IPv4 addresses. */
function trusts(proxies: string, ip: string): boolean {
  const networks = new BlockList();
  for (const part of proxies.split(',').map((one) => one.trim())) {
    const [address = '', bits] = part.split('/');
    const family = address.includes(':') ? 'ipv6' : 'ipv4';
    if (!isIP(address)) continue;
    networks.addSubnet(address, Number(bits ?? (family === 'ipv6' ? 128 : 32)), family);
  }
  return ip.includes(':') ? networks.check(ip, 'ipv6') : networks.check(ip) || networks.check(`::ffff:${ip}`, 'ipv6');
}
