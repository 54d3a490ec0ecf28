// What a browser is asked for when it makes a passkey or uses one (WebAuthn).
import type {
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
} from '@simplewebauthn/server';
import type { Purpose } from '../credentials/secret-box.ts';
import type { Database } from '../platform/database.ts';
import type { PasskeyChallenges } from './passkey-challenges.ts';

/** Ed25519, ECDSA with P-256, RSA with SHA-256: what authenticators have, and no SHA-1. */
export const ALGORITHMS = [-8, -7, -257];

const TIMEOUT_MS = 5 * 60_000;
const CREDENTIAL = { credentialId: true, transports: true } as const;

export interface PasskeyOptionsOptions {
  readonly database: Database;
  readonly challenges: PasskeyChallenges;
  readonly rpId: string;
  readonly serviceName: string;
}

export function createPasskeyOptions({ database: { prisma }, challenges, rpId, serviceName }: PasskeyOptionsOptions) {
  return {
    async creationOptions(
      user: { readonly id: string; readonly email: string },
      owner: Purpose,
    ): Promise<PublicKeyCredentialCreationOptionsJSON> {
      const known = await prisma.passkey.findMany({ where: { userId: user.id }, select: CREDENTIAL });
      const { generateRegistrationOptions } = await import('@simplewebauthn/server');
      return generateRegistrationOptions({
        rpName: serviceName,
        rpID: rpId,
        userName: user.email,
        userID: new Uint8Array(Buffer.from(user.id.replaceAll('-', ''), 'hex')),
        challenge: new Uint8Array(challenges.issue(owner)),
        timeout: TIMEOUT_MS,
        attestationType: 'none',
        excludeCredentials: known.map(asCredential),
        authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
        supportedAlgorithmIDs: ALGORITHMS,
      });
    },

    /** For one of an account's passkeys; without an account, for any that the browser has. */
    async requestOptions(userId: string | null, owner: Purpose): Promise<PublicKeyCredentialRequestOptionsJSON> {
      const known = userId === null ? [] : await prisma.passkey.findMany({ where: { userId }, select: CREDENTIAL });
      const { generateAuthenticationOptions } = await import('@simplewebauthn/server');
      return generateAuthenticationOptions({
        rpID: rpId,
        challenge: new Uint8Array(challenges.issue(owner)),
        timeout: TIMEOUT_MS,
        userVerification: 'required',
        ...(userId === null ? {} : { allowCredentials: known.map(asCredential) }),
      });
    },
  };
}

function asCredential({ credentialId, transports }: { credentialId: string; transports: string[] }) {
  return { id: credentialId, transports };
}
