// A TCP proxy that can hold every byte, both ways, without a word: what a host that vanished looks like, or a network that is cut.
// It can also be late with each.
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface HoldingProxy {
  readonly port: number;
  /** The same address through the proxy. */
  through(url: string): string;
  /** From now on nothing passes; whoever connects is taken and held. */
  hold(): void;
  /** What is held passes now. */
  release(): void;
  /** From now on every byte is so late. */
  slow(ms: number): void;
  close(): Promise<void>;
}

export async function startHoldingProxy(to: { readonly port: number }): Promise<HoldingProxy> {
  const sockets = new Set<Socket>();
  let held = false;
  let late = 0;

  function keep(socket: Socket, other: Socket): void {
    sockets.add(socket);
    if (held) socket.pause();
    socket.on('data', (bytes) => void (late === 0 ? other.write(bytes) : setTimeout(() => other.write(bytes), late)));
    socket.on('error', () => undefined);
    socket.on('end', () => other.end());
    socket.on('close', () => {
      sockets.delete(socket);
      if (!held) other.destroy();
    });
    if (held) socket.pause();
  }

  const server = createServer((client) => {
    const upstream = connect(to.port, '127.0.0.1');
    keep(client, upstream);
    keep(upstream, client);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    through: (url) => Object.assign(new URL(url), { hostname: '127.0.0.1', port: String(port) }).href,
    hold() {
      held = true;
      for (const socket of sockets) socket.pause();
    },
    release() {
      held = false;
      for (const socket of sockets) socket.resume();
    },
    slow(ms) {
      late = ms;
    },
    close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      return closed;
    },
  };
}
