// The queue in which secrets wait for Argon2. It is shared fairly: one account holds four places of 64, one client eight, one
// wider IPv6 network sixteen, whatever asks for the hash. Who holds that many is refused, and nobody else.
import pLimit from 'p-limit';
import { emailKey } from '../platform/email-address.ts';
import { clientKey, widerNetworks } from '../platform/networks.ts';

/** For each hash that is made at once, as are the shares. */
const PLACES = 64;
const SHARE = { account: 4, client: 8, network: 16 } as const;

/** Too many secrets wait to be hashed: of this asker, or of all. */
export class HashQueueFullError extends Error {
  constructor() {
    super('too many passwords are being checked');
    this.name = 'HashQueueFullError';
  }
}

/** Who asks for a hash. Null for a command on the machine itself, which waits for nobody. */
export type Asker = {
  /** Its address as typed, or its id where that is all that is known. Sessions share their account's places. */
  readonly account: string;
  readonly ip: string | null;
} | null;

interface Holder {
  readonly key: string;
  readonly share: number;
}

export function createHashQueue(concurrency: number) {
  const limit = pLimit(concurrency);
  const held = new Map<string, number>();
  const places = (key: string) => held.get(key) ?? 0;

  function release(holders: readonly Holder[]): void {
    for (const { key } of holders) {
      if (places(key) > 1) held.set(key, places(key) - 1);
      else held.delete(key);
    }
  }

  return {
    length: () => ({ hashing: limit.activeCount, waiting: limit.pendingCount }),

    /** @throws HashQueueFullError */
    async run<T>(by: Asker, work: () => Promise<T>): Promise<T> {
      const holders = by === null ? [] : holdersOf(by);
      const full = holders.some(({ key, share }) => places(key) >= share * concurrency);
      if (full || limit.pendingCount >= PLACES * concurrency) throw new HashQueueFullError();
      for (const { key } of holders) held.set(key, places(key) + 1);
      try {
        return await limit(work);
      } finally {
        release(holders);
      }
    },
  };
}

function holdersOf({ account, ip }: NonNullable<Asker>): Holder[] {
  return [
    { key: `account ${emailKey(account)}`, share: SHARE.account },
    { key: `client ${clientKey(ip)}`, share: SHARE.client },
    ...widerNetworks(ip).map(({ network }) => ({ key: `network ${network}`, share: SHARE.network })),
  ];
}
