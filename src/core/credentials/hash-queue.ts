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

/** One for all: in a flood the trace of each would cost more than the rest of its refusal. */
const FULL = new HashQueueFullError();

/** Who asks for a hash: somebody, work that `admit` holds a place for, or (null) a command on the machine itself. */
export type Asker = Person | 'admitted' | null;

interface Person {
  /** The account's address as typed, or its id where that is all that is known. Its sessions share its places. */
  readonly account: string;
  readonly ip: string | null;
}

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

  /** Those whose places the asker takes. @throws HashQueueFullError */
  function check(by: Asker): readonly Holder[] {
    const holders = by === null || by === 'admitted' ? [] : holdersOf(by);
    if (limit.pendingCount >= PLACES * concurrency) throw FULL;
    if (holders.some(({ key, share }) => places(key) >= share * concurrency)) throw FULL;
    return holders;
  }

  async function holding<T>(by: Asker, work: () => Promise<T>): Promise<T> {
    const holders = check(by);
    for (const { key } of holders) held.set(key, places(key) + 1);
    try {
      return await work();
    } finally {
      release(holders);
    }
  }

  return {
    length: () => ({ hashing: limit.activeCount, waiting: limit.pendingCount }),

    /** For the first line of an attempt: whoever would be refused costs no store anything. @throws HashQueueFullError */
    expectRoom: (by: Person): void => void check(by),

    /** @throws HashQueueFullError */
    run: <T>(by: Asker, work: () => Promise<T>): Promise<T> => holding(by, () => limit(work)),

    /**
     * Holds a place for all of some work that needs hashes, its queries too. The work asks for its hashes as `admitted`.
     * @throws HashQueueFullError
     */
    admit: <T>(by: Person, work: (admitted: Asker) => Promise<T>): Promise<T> => holding(by, () => work('admitted')),
  };
}

function holdersOf({ account, ip }: Person): Holder[] {
  return [
    { key: `account ${emailKey(account)}`, share: SHARE.account },
    { key: `client ${clientKey(ip)}`, share: SHARE.client },
    ...widerNetworks(ip).map(({ network }) => ({ key: `network ${network}`, share: SHARE.network })),
  ];
}
