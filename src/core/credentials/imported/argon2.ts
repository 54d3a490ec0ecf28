// The text in which Argon2 is kept everywhere (PHC): `$argon2id$v=19$m=65536,t=3,p=4$salt$hash`.
import { malformed } from './failure.ts';

const PHC =
  /^\$argon2(?<kind>id|i|d)\$(?:v=(?<version>\d{1,3})\$)?m=(?<m>\d{1,10}),t=(?<t>\d{1,10}),p=(?<p>\d{1,10})(?:,keyid=[\w+/]*)?(?<data>,data=[\w+/]*)?\$(?<salt>[A-Za-z0-9+/]{11,128})={0,2}\$(?<hash>[A-Za-z0-9+/]{22,512})={0,2}$/;

export interface Argon2 {
  readonly kind: 'id' | 'i' | 'd';
  readonly version: number;
  readonly memoryKib: number;
  readonly passes: number;
  readonly lanes: number;
  readonly hasData: boolean;
  /** As the libraries read it: with its version, without padding. */
  readonly text: string;
}

/** @throws ImportedHashFailure malformed_hash */
export function parseArgon2(phc: string): Argon2 {
  const found = PHC.exec(phc)?.groups ?? malformed();
  // Without a version it is of the first, 16.
  const version = Number(found['version'] ?? 16);
  const { kind, m, t, p, data = '', salt = '', hash = '' } = found;
  const lanes = Number(p);
  if ((version !== 16 && version !== 19) || lanes < 1 || Number(t) < 1 || Number(m) < 8 * lanes) malformed();
  if (!isExact(salt) || !isExact(hash)) malformed();
  return {
    kind: kind as Argon2['kind'],
    version,
    memoryKib: Number(m),
    passes: Number(t),
    lanes,
    hasData: data !== '',
    text: `$argon2${kind}$v=${version}$m=${Number(m)},t=${Number(t)},p=${lanes}${data}$${salt}$${hash}`,
  };
}

/** Whether base64 is written as from bytes: the library throws at anything else. */
function isExact(text: string): boolean {
  return Buffer.from(text, 'base64').toString('base64').replace(/=+$/, '') === text;
}
