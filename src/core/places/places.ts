// Place and network owner of an address, from files on this machine: nobody is asked. Nothing is read before the first use, so
// a process that looks nothing up holds nothing in memory.
import { isIP } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import ipaddr from 'ipaddr.js';
import QuickLRU from 'quick-lru';
import type { Log } from '../platform/log.ts';
import type { Place } from './place.ts';
import { createPlaceFile } from './place-file.ts';

const LOOK_AGAIN_MS = 1_000;
/** Sealing waits for it: a share that is silent must not hold up the log. */
const LOOK_WITHIN_MS = 2_000;
const KEPT = 5_000;
const NOWHERE: Place = {};

export type Places = ReturnType<typeof createPlaces>;

/** `files`: what an operator names; the first that knows a part has it. */
export function createPlaces({ files: named, log }: { readonly files: readonly string[]; readonly log: Log }) {
  const files = named.map((file) =>
    createPlaceFile(file, (problem, isRead) => {
      if (problem === null) log.info({ file }, 'a file of places is read again');
      else
        log.warn(
          { file, problem },
          `a file of places can’t be used: ${isRead ? 'the one before it is' : 'nobody’s place or network is known from it'}`,
        );
    }),
  );
  const known = new QuickLRU<string, Place>({ maxSize: KEPT });
  let lookedAt = Number.NEGATIVE_INFINITY;
  let looking: Promise<'looked'> | null = null;
  let waited: Promise<void> = Promise.resolve();

  async function look(): Promise<'looked'> {
    for (const file of files) if (await file.refresh()) known.clear();
    lookedAt = performance.now();
    return 'looked';
  }

  async function atMost(look: Promise<'looked'>): Promise<void> {
    const looked = await Promise.race([look, delay(LOOK_WITHIN_MS, null, { ref: false })]);
    if (!looked)
      log.warn({ files: named }, 'files of places don’t answer: log-ins are sealed with what was read before');
  }

  return {
    /**
     * Reads files that are new, at most once a second. To be awaited before {@link find}. Never throws. What does not answer in
     * time is waited for once.
     */
    async refresh(): Promise<void> {
      if (performance.now() - lookedAt < LOOK_AGAIN_MS) return;
      if (!looking) {
        looking = look().finally(() => {
          looking = null;
        });
        waited = atMost(looking);
      }
      await waited;
    },

    /** Empty for an address that is not of the open internet, and for one that no file knows. */
    find(ip: string | null): Place {
      if (ip === null || files.length === 0) return NOWHERE;
      const found = known.get(ip);
      if (found !== undefined) return found;
      const address = publicAddress(ip);
      const inOrder = address === null ? [] : files.map((file) => file.find(address));
      const place: Place = Object.assign({}, ...inOrder.reverse());
      known.set(ip, place);
      return place;
    },
  };
}

/** Null for one that is not of the open internet; an IPv4 address that is written as IPv6 is that address. */
function publicAddress(ip: string): string | null {
  if (isIP(ip) === 0) return null;
  const address = ipaddr.process(ip);
  return address.range() === 'unicast' ? address.toString() : null;
}
