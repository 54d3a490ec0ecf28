// Passkeys (WebAuthn): what a browser is asked for, and whether its answer is right. Who may add
// one, and what an answer opens, others decide. User verification is required, so a passkey proves
// two factors: having it, and what unlocks it.
import type { AuthenticationResponseJSON, RegistrationResponseJSON } from '@simplewebauthn/server';
import * as z from 'zod';
import type { Passkey } from '../../generated/prisma/client.ts';
import type { Purpose } from '../credentials/secret-box.ts';
import type { Database, Transaction } from '../platform/database.ts';
import type { PasskeyChallenges } from './passkey-challenges.ts';
import { ALGORITHMS, createPasskeyOptions } from './passkey-options.ts';

/** What an answer must be made of at least; the library checks its cryptography. */
const answer = z.looseObject({
  id: z.string().regex(/^[\w-]{1,1400}$/),
  rawId: z.string(),
  type: z.literal('public-key'),
  response: z.looseObject({ clientDataJSON: z.string() }),
  clientExtensionResults: z.looseObject({}).default({}),
});

export interface NewPasskey {
  readonly credentialId: string;
  readonly publicKey: Uint8Array<ArrayBuffer>;
  readonly counter: number;
  readonly transports: readonly string[];
  readonly challenge: string;
}

export interface ProvedPasskey {
  readonly passkey: Passkey;
  readonly counter: number;
  readonly challenge: string;
}

export interface PasskeysOptions {
  readonly database: Database;
  readonly challenges: PasskeyChallenges;
  /** The origin that people use, of PUBLIC_URL. */
  readonly origin: string;
  readonly serviceName: string;
}

/** Two hundred modules, which a process does without until somebody uses a passkey. */
const library = () => import('@simplewebauthn/server');

export type Passkeys = ReturnType<typeof createPasskeys>;

export function createPasskeys({ database, challenges, origin, serviceName }: PasskeysOptions) {
  const { prisma, clock } = database;
  const rpId = new URL(origin).hostname;

  /** What every answer must fulfil, and the challenge that one signed. */
  function expecting(owner: Purpose) {
    let challenge = '';
    const expected = {
      expectedChallenge: (given: string) => {
        challenge = given;
        return challenges.isOurs(given, owner);
      },
      expectedOrigin: origin,
      expectedRPID: rpId,
      requireUserVerification: true,
    };
    return { expected, challenge: () => challenge };
  }

  return {
    ...createPasskeyOptions({ database, challenges, rpId, serviceName }),

    async readNew(text: string, owner: Purpose): Promise<NewPasskey | null> {
      const response = parse(text);
      if (!response) return null;
      const { verifyRegistrationResponse } = await library();
      const { expected, challenge } = expecting(owner);
      const verified = await verifyRegistrationResponse({
        ...expected,
        response: response as unknown as RegistrationResponseJSON,
        supportedAlgorithmIDs: ALGORITHMS,
      }).catch(() => null);
      if (!verified?.verified) return null;
      const { credential } = verified.registrationInfo;
      return {
        credentialId: credential.id,
        publicKey: new Uint8Array(credential.publicKey),
        counter: credential.counter,
        transports: (credential.transports ?? []).filter((name) => /^[\w-]{1,20}$/.test(name)).slice(0, 10),
        challenge: challenge(),
      };
    },

    /**
     * The passkey that answered, of this account if one is given. It counts once `useWithin` has
     * taken it. Null if the answer is broken, late, foreign or wrong.
     */
    async prove(text: string, owner: Purpose, userId: string | null): Promise<ProvedPasskey | null> {
      const response = parse(text);
      const passkey = response ? await prisma.passkey.findUnique({ where: { credentialId: response.id } }) : null;
      if (!response || !passkey || (userId !== null && passkey.userId !== userId)) return null;
      const { verifyAuthenticationResponse } = await library();
      const { expected, challenge } = expecting(owner);
      const verified = await verifyAuthenticationResponse({
        ...expected,
        response: response as unknown as AuthenticationResponseJSON,
        credential: {
          id: passkey.credentialId,
          publicKey: new Uint8Array(passkey.publicKey),
          counter: Number(passkey.counter),
        },
      }).catch(() => null);
      if (!verified?.verified) return null;
      return { passkey, counter: verified.authenticationInfo.newCounter, challenge: challenge() };
    },

    useChallengeWithin: challenges.useWithin,

    /**
     * Takes an answer, in the transaction of what it opens, and keeps its count; false if the
     * challenge was answered before, or the passkey is gone. An authenticator that counts never
     * counts back: one that does was copied, and is refused.
     */
    async useWithin(transaction: Transaction, { passkey, counter, challenge }: ProvedPasskey): Promise<boolean> {
      if (!(await challenges.useWithin(transaction, challenge))) return false;
      const { count } = await transaction.passkey.updateMany({
        where: { id: passkey.id, ...(counter > 0 ? { counter: { lt: counter } } : { counter: 0 }) },
        data: { counter, lastUsedAt: clock.now() },
      });
      return count > 0;
    },
  };
}

function parse(text: string): z.infer<typeof answer> | null {
  try {
    return answer.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}
