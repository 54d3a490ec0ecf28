// TCP ports of this machine.
import { createServer } from 'node:net';

/** Exactly this port, else the remembered one, else any that is free. Throws if the exact one is taken. */
export async function choosePort(exact: number | undefined, remembered: number | undefined): Promise<number> {
  if (exact === undefined) return freePort(remembered);
  if ((await tryPort(exact, '127.0.0.1')) === undefined) throw new Error(`Port ${exact} on 127.0.0.1 is taken.`);
  return exact;
}

/** The preferred port if it is free, else one that the system picks. */
export async function freePort(preferred?: number, host = '127.0.0.1'): Promise<number> {
  if (preferred !== undefined && (await tryPort(preferred, host)) !== undefined) return preferred;
  const port = await tryPort(0, host);
  if (port === undefined) throw new Error(`No free TCP port on ${host}.`);
  return port;
}

/** The port if it can be listened on (0: any), else undefined. */
export async function tryPort(port: number, host: string): Promise<number | undefined> {
  const tried = await listen(port, host);
  return typeof tried === 'number' ? tried : undefined;
}

/** Why a port can't be listened on, as the system's code such as `EADDRINUSE`; undefined if it can. */
export async function portProblem(port: number, host: string): Promise<string | undefined> {
  const tried = await listen(port, host);
  return typeof tried === 'string' ? tried : undefined;
}

function listen(port: number, host: string): Promise<number | string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code ?? 'unknown'));
    server.listen({ port, host, exclusive: true }, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : undefined));
    });
  });
}
