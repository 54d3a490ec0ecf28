// How ioredis finds the master that Sentinels name, mended where it loses a client or the reason.
import { type Redis, SentinelConnector } from 'ioredis';

type Connect = SentinelConnector['connect'];

interface Sentinel {
  readonly host: string;
  readonly port: number;
}

/** What ioredis keeps to itself. */
interface Inner {
  failoverDetector: { cleanup(): void } | null;
  connectToSentinel(sentinel: Sentinel, more?: object): Redis;
}

/**
 * - ioredis 6.0.0 goes on watching the Sentinels for a connection that is gone. Told of the new master while it asks who that
 *   is, it ends the client for good. Here that watch ends before the next connection is looked for.
 * - Why a Sentinel can't be reached it says to nobody. Here the reason follows the Sentinel in each `sentinelError`.
 */
export class SteadySentinelConnector extends SentinelConnector {
  readonly #reasons = new Map<string, string>();

  constructor(options: ConstructorParameters<typeof SentinelConnector>[0]) {
    super(options);
    const inner = this as unknown as Inner;
    const connectToSentinel = inner.connectToSentinel.bind(this);
    inner.connectToSentinel = (sentinel, more) => {
      const client = connectToSentinel(sentinel, more);
      const name = `${sentinel.host}:${sentinel.port}`;
      this.#reasons.delete(name);
      client.on('error', ({ message }: Error) => this.#reasons.set(name, message));
      return client;
    };
  }

  override connect(emit: Parameters<Connect>[0]): ReturnType<Connect> {
    const inner = this as unknown as Inner;
    inner.failoverDetector?.cleanup();
    inner.failoverDetector = null;
    return super.connect((type, error) => emit(type, type === 'sentinelError' ? this.#explained(error) : error));
  }

  #explained(error: Error): Error {
    const [, name = '', said = ''] = /^failed to connect to sentinel (\S+) because (.*)$/s.exec(error.message) ?? [];
    return name === '' ? error : new Error(`${name}: ${this.#reasons.get(name) ?? said}`, { cause: error });
  }
}
