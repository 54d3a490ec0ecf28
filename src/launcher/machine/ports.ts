// TCP ports of this machine.
import { createServer } from 'node:net';

/** The port asked for (an error if it is taken), or without one the remembered port, or any free one. */
export async function choosePort(exact: number | undefined, remembered: number | undefined): Promise<number> {
  if (exact === undefined) return freePort(remembered);
  if ((await tryPort(exact, '127.0.0.1')) === undefined) throw new Error(`Port ${exact} on 127.0.0.1 is taken.`);
  return exact;
}

/** A free TCP port on 127.0.0.1: the preferred one if nobody listens there, else one that the system picks. */
export async function freePort(preferred?: number, host = '127.0.0.1'): Promise<number> {
  if (preferred !== undefined && (await tryPort(preferred, host)) !== undefined) return preferred;
  const port = await tryPort(0, host);
  if (port === undefined) throw new Error(`No free TCP port on ${host}.`);
  return port;
}

/** The port if it can be listened on (0: any), else undefined. */
export function tryPort(port: number, host: string): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen({ port, host, exclusive: true }, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : undefined));
    });
  });
}
