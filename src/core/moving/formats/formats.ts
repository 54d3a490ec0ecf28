// The files that people have, and how each is read. Those of whole systems are read on demand.
import type { Found } from '../import-people.ts';
import { refuseUtf16 } from '../lines.ts';

export const FORMATS = ['keycloak', 'auth0', 'firebase', 'django', 'ldif'] as const;
export type Format = (typeof FORMATS)[number] | 'neutral';

type Reader = (input: AsyncIterable<Buffer>) => AsyncGenerator<readonly Found[]>;

const READERS: Readonly<Record<Format, () => Promise<Reader>>> = {
  neutral: async () => (await import('./ndjson.ts')).readNdjson,
  keycloak: async () => (await import('./keycloak.ts')).readKeycloak,
  auth0: async () => (await import('./auth0.ts')).readAuth0,
  firebase: async () => (await import('./firebase.ts')).readFirebase,
  django: async () => (await import('./django.ts')).readDjango,
  ldif: async () => (await import('./ldif.ts')).readLdif,
};

/** People in the neutral form, as the file has them, in batches. @throws WrongEncodingError; and what the input throws */
export async function* readPeople(format: Format, input: AsyncIterable<Buffer>): AsyncGenerator<readonly Found[]> {
  yield* (await READERS[format]())(refuseUtf16(input));
}
