// bcrypt in all its letters. `$2a$`, `$2b$` and `$2y$` are the same by now; `$2x$` repeats an old
// fault of crypt_blowfish, which took letters beyond ASCII for negative numbers.
import { hashSync } from '@node-rs/bcrypt';

/** bcrypt reads no further. */
const KEY_BYTES = 72;
const BCRYPT64 = './ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** `setting` is `$2b$12$` and the salt's 22 characters; the whole text comes out. */
export function bcrypt(password: Buffer, setting: string): string {
  const key = setting.startsWith('$2x$') ? signExtended(password) : password.subarray(0, KEY_BYTES);
  const salt = Buffer.from(toBase64(setting.slice(7)), 'base64');
  return setting + hashSync(key, Number(setting.slice(4, 6)), salt).slice(setting.length);
}

/** The standard's alphabet of base64, from bcrypt's. */
export const toBase64 = (text: string): string => recoded(text, BCRYPT64, BASE64);

/** bcrypt's alphabet of base64, from the standard's; without padding. */
export const toBcrypt64 = (text: string): string => recoded(text.replace(/=+$/, ''), BASE64, BCRYPT64);

function recoded(text: string, from: string, to: string): string {
  return Array.from(text, (letter) => to[from.indexOf(letter)] ?? '').join('');
}

/** The key that the fault makes of it: each word of four letters, where a negative one fills all before it with ones. */
function signExtended(password: Buffer): Buffer {
  const letters = Buffer.concat([password, Buffer.of(0)]);
  const key = Buffer.alloc(KEY_BYTES);
  for (let i = 0; i < KEY_BYTES; i += 4) {
    let word = 0;
    for (let j = i; j < i + 4; j += 1) word = (word << 8) | letters.readInt8(j % letters.length);
    key.writeInt32BE(word, i);
  }
  return key;
}
