// Secrets that have to be read again, kept with keys that are not in the database (SECRETS_KEYS): encrypted with AES-256-GCM, or
// proved by HMAC-SHA-256. The newest key seals; every listed one opens. What was sealed for one purpose and owner opens for
// no other.
import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto';

const CIPHER = 'aes-256-gcm';
const IV_BYTES = 12;
const TAG_BYTES = 16;
const KEY_ID_BYTES = 4;

interface Key {
  readonly id: Buffer;
  readonly sealing: Buffer;
  readonly signing: Buffer;
}

/** What a secret is for and whose it is: it opens for nothing else. */
export interface Purpose {
  readonly purpose: string;
  readonly owner: string;
}

export interface Opened {
  readonly text: string;
  /** Sealed with an older key: it is time to seal it again. */
  readonly stale: boolean;
}

export type SealedSecrets = ReturnType<typeof createSealedSecrets>;

export function createSealedSecrets(secrets: readonly string[]) {
  const keys = secrets.map(deriveKeys);
  const [newest] = keys;
  if (!newest) throw new Error('a key is needed to seal secrets');

  return {
    seal(text: string, to: Purpose): Buffer {
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv(CIPHER, newest.sealing, iv).setAAD(boundTo(to));
      const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
      return Buffer.concat([newest.id, iv, sealed, cipher.getAuthTag()]);
    },

    /** The text, or null for what was sealed with a key that is not listed, for something else, or not at all. */
    open(sealed: Uint8Array, to: Purpose): Opened | null {
      const bytes = Buffer.from(sealed);
      const key = keys.find(({ id }) => id.equals(bytes.subarray(0, KEY_ID_BYTES)));
      if (!key || bytes.length < KEY_ID_BYTES + IV_BYTES + TAG_BYTES) return null;
      const iv = bytes.subarray(KEY_ID_BYTES, KEY_ID_BYTES + IV_BYTES);
      const decipher = createDecipheriv(CIPHER, key.sealing, iv, { authTagLength: TAG_BYTES }).setAAD(boundTo(to));
      decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
      try {
        const text = decipher.update(bytes.subarray(KEY_ID_BYTES + IV_BYTES, -TAG_BYTES));
        return { text: Buffer.concat([text, decipher.final()]).toString('utf8'), stale: key !== newest };
      } catch {
        return null;
      }
    },

    sign: (bytes: Uint8Array, to: Purpose): Buffer => tag(newest, bytes, to),

    isSigned: (bytes: Uint8Array, signature: Uint8Array, to: Purpose): boolean =>
      keys.some((key) => {
        const expected = tag(key, bytes, to);
        return expected.length === signature.length && timingSafeEqual(expected, signature);
      }),
  };
}

function deriveKeys(secret: string): Key {
  const derive = (what: string, length: number) =>
    Buffer.from(hkdfSync('sha256', secret, '', `holdfast secrets ${what}`, length));
  return { id: derive('key id', KEY_ID_BYTES), sealing: derive('sealing', 32), signing: derive('signing', 32) };
}

function boundTo({ purpose, owner }: Purpose): Buffer {
  return Buffer.from(`${purpose}\n${owner}`);
}

function tag(key: Key, bytes: Uint8Array, to: Purpose): Buffer {
  return createHmac('sha256', key.signing).update(boundTo(to)).update('\n').update(bytes).digest();
}
