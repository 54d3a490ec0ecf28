// Encrypts secrets that must be read again (AES-256-GCM) and signs what a browser keeps for us
// (HMAC-SHA-256), with keys that are not in the database (SECRETS_KEYS). The newest key encrypts;
// every listed key decrypts. A secret is bound to one purpose and owner.
import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto';

const CIPHER = 'aes-256-gcm';
const IV_BYTES = 12;
const TAG_BYTES = 16;
const KEY_ID_BYTES = 4;

interface Key {
  readonly id: Buffer;
  readonly encryption: Buffer;
  readonly signing: Buffer;
}

export interface Purpose {
  readonly purpose: string;
  readonly owner: string;
}

export interface Decrypted {
  readonly text: string;
  /** Encrypted with an older key: encrypt it again. */
  readonly stale: boolean;
}

export type SecretBox = ReturnType<typeof createSecretBox>;

export function createSecretBox(texts: readonly string[]) {
  const keys = texts.map(deriveKeys);
  const [newest] = keys;
  if (!newest) throw new Error('a key is needed to encrypt secrets');

  return {
    encrypt(text: string, to: Purpose): Buffer {
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv(CIPHER, newest.encryption, iv).setAAD(boundTo(to));
      const encrypted = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
      return Buffer.concat([newest.id, iv, encrypted, cipher.getAuthTag()]);
    },

    /** Null if it was altered, or encrypted with an unlisted key, or for something else. */
    decrypt(encrypted: Uint8Array, to: Purpose): Decrypted | null {
      const bytes = Buffer.from(encrypted);
      const key = keys.find(({ id }) => id.equals(bytes.subarray(0, KEY_ID_BYTES)));
      if (!key || bytes.length < KEY_ID_BYTES + IV_BYTES + TAG_BYTES) return null;
      const iv = bytes.subarray(KEY_ID_BYTES, KEY_ID_BYTES + IV_BYTES);
      const decipher = createDecipheriv(CIPHER, key.encryption, iv, { authTagLength: TAG_BYTES }).setAAD(boundTo(to));
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
  return { id: derive('key id', KEY_ID_BYTES), encryption: derive('sealing', 32), signing: derive('signing', 32) };
}

function boundTo({ purpose, owner }: Purpose): Buffer {
  return Buffer.from(`${purpose}\n${owner}`);
}

function tag(key: Key, bytes: Uint8Array, to: Purpose): Buffer {
  return createHmac('sha256', key.signing).update(boundTo(to)).update('\n').update(bytes).digest();
}
