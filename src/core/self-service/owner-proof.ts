// What takes second factors away from an account, beside a link in its owner's mailbox: the password that counted at the
// log-in which is disowned, or a browser that was known before it. Somebody who logged in with a stolen password lacks the
// mailbox; somebody who only reads the mailbox has neither of the two (docs/decisions/0060).
import type { Origin } from '../audit/events.ts';
import type { Asker } from '../credentials/hash-queue.ts';
import type { IdentifierHash } from '../credentials/identifier-hash.ts';
import { type UnansweredLink, unansweredLinks } from '../credentials/login-links.ts';
import type { Passwords } from '../credentials/passwords.ts';
import { countSince } from '../factors/taken-back.ts';
import type { Database } from '../platform/database.ts';
import { emailKey } from '../platform/email-address.ts';
import type { KnownDevices } from '../throttle/known-devices.ts';
import type { Refusals, Throttled } from '../throttle/refusals.ts';
import type { Throttle } from '../throttle/throttle.ts';

/** Hashes that one answer tries at most, the oldest first. */
const MAX_TRIED = 4;

export interface Disowning {
  readonly userId: string;
  /** Of the mailbox that has the link. */
  readonly email: string;
  readonly linkId: string;
  /** The value of the cookie that known browsers keep. */
  readonly deviceCookie: string;
}

/** What becomes of the second factors that were set up since: `asks` for the password, else they stay. */
export type FactorsSince = 'none' | 'taken_back' | 'asks' | 'stay';

/** `since`: those set up under log-ins from then on go. Null: they stay. */
export type OwnerProof =
  | { readonly ok: true; readonly since: Date | null; readonly by: 'known_browser' | 'password' | null }
  | { readonly ok: false; readonly reason: 'wrong_password' }
  | Throttled;

export interface OwnerProofsOptions {
  readonly database: Database;
  readonly passwords: Passwords;
  readonly devices: KnownDevices;
  readonly identifierHash: IdentifierHash;
  readonly throttle: Throttle;
  readonly refusals: Refusals;
}

export type OwnerProofs = ReturnType<typeof createOwnerProofs>;

export function createOwnerProofs({
  database: { prisma },
  passwords,
  devices,
  identifierHash,
  throttle,
  refusals,
}: OwnerProofsOptions) {
  /** The unanswered links, and the first log-in before which this browser was known already. */
  async function read({ userId, email, linkId, deviceCookie }: Disowning) {
    const links = await unansweredLinks(prisma, { userId, emailKey: emailKey(email), linkId });
    const wasKnown = await devices.wasKnown(userId, identifierHash(email), deviceCookie);
    return { links, knownBefore: links.find(({ since }) => wasKnown(since))?.since ?? null };
  }

  async function sinceByPassword(
    links: readonly UnansweredLink[],
    password: string,
    asker: NonNullable<Asker>,
  ): Promise<Date | null> {
    const oldest = new Map<string, Date>();
    for (const { passwordHash, since } of links)
      if (passwordHash !== null && !oldest.has(passwordHash)) oldest.set(passwordHash, since);
    for (const [hash, since] of [...oldest].slice(0, MAX_TRIED))
      if (await passwords.verify(hash, password, asker)) return since;
    return null;
  }

  return {
    async look(disowning: Disowning): Promise<FactorsSince> {
      const { links, knownBefore } = await read(disowning);
      const [first] = links;
      const all = first ? await countSince(prisma, disowning.userId, first.since) : 0;
      if (all === 0) return 'none';
      const byBrowser = knownBefore ? await countSince(prisma, disowning.userId, knownBefore) : 0;
      if (byBrowser === all) return 'taken_back';
      return links.some(({ passwordHash }) => passwordHash !== null) ? 'asks' : 'stay';
    },

    /** An empty password proves nothing, and is no attempt. */
    async prove(disowning: Disowning, password: string, origin: Origin): Promise<OwnerProof> {
      const { links, knownBefore } = await read(disowning);
      if (password === '') return { ok: true, since: knownBefore, by: knownBefore && 'known_browser' };
      const { userId } = disowning;
      const about = { subject: userId, origin };
      return refusals.attempt<OwnerProof>(throttle.takeSecondFactor(userId, 'link'), about, async (tried) => {
        const since = await sinceByPassword(links, password, { account: disowning.email, ip: origin.ip });
        if (since) return { ok: true, since: knownBefore && knownBefore < since ? knownBefore : since, by: 'password' };
        const detail = { reason: 'wrong_password' };
        await tried.record({ type: 'authn_login_disowned', outcome: 'failure', actor: null, ...about, detail });
        return { ok: false, reason: 'wrong_password' };
      });
    },
  };
}
