// Ed25519 keys in the forms in which people have them. Pure.
import { createHash, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';

export interface SigningKey {
  readonly id: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  /** What verifiers are given: 32 bytes, base64url. */
  readonly publicText: string;
}

/** What DER puts before the 32 bytes of an Ed25519 key, in PKCS #8 and in SPKI (RFC 8410). */
const PRIVATE_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');
const PUBLIC_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

/** From PEM, or from 32 bytes in hexadecimal, base64 or base64url; null if it is no Ed25519 key. */
export function readSigningKey(text: string): SigningKey | null {
  const privateKey = keyFrom(
    text,
    (bytes) => createPrivateKey({ key: Buffer.concat([PRIVATE_PREFIX, bytes]), format: 'der', type: 'pkcs8' }),
    createPrivateKey,
  );
  if (privateKey === null) return null;
  const publicKey = createPublicKey(privateKey);
  const publicBytes = rawPublicKey(publicKey);
  return { id: keyId(publicBytes), privateKey, publicKey, publicText: publicBytes.toString('base64url') };
}

/** By key id, from texts of PEM or of 32 bytes each; null if one of them is no Ed25519 key. */
export function readPublicKeys(texts: readonly string[]): ReadonlyMap<string, KeyObject> | null {
  const keys = new Map<string, KeyObject>();
  for (const text of texts) {
    const key = keyFrom(text, publicKeyOf, createPublicKey);
    if (key === null) return null;
    keys.set(keyId(rawPublicKey(key)), key);
  }
  return keys;
}

/** From its 32 bytes. */
export function publicKeyOf(bytes: Buffer): KeyObject {
  return createPublicKey({ key: Buffer.concat([PUBLIC_PREFIX, bytes]), format: 'der', type: 'spki' });
}

/** Its 32 bytes. */
export function rawPublicKey(publicKey: KeyObject): Buffer {
  return publicKey.export({ format: 'der', type: 'spki' }).subarray(PUBLIC_PREFIX.length);
}

function keyFrom(text: string, raw: (bytes: Buffer) => KeyObject, pem: (text: string) => KeyObject): KeyObject | null {
  const trimmed = text.trim();
  try {
    if (trimmed.startsWith('-----BEGIN')) {
      const key = pem(trimmed.replaceAll('\\n', '\n'));
      return key.asymmetricKeyType === 'ed25519' ? key : null;
    }
    const bytes = Buffer.from(trimmed, /^[0-9a-f]{64}$/i.test(trimmed) ? 'hex' : 'base64');
    return bytes.length === 32 ? raw(bytes) : null;
  } catch {
    return null;
  }
}

function keyId(publicBytes: Buffer): string {
  return createHash('sha256').update(publicBytes).digest('hex').slice(0, 16);
}
