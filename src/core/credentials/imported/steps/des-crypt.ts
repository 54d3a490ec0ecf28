// The oldest crypt(3), of DES, which reads eight letters; and bigcrypt, a row of them.
import crypt from 'unix-crypt-td-js';

const BLOCK = 8;

/** With its salt, as crypt(3) prints it. */
export function desCrypt(password: Buffer, salt: string): string {
  // Like crypt(3), the library ends at a zero.
  return crypt([...password.subarray(0, BLOCK)], salt);
}

/** Each block of eight letters is salted with the first two characters of the one before. */
export function bigCrypt(password: Buffer, salt: string): string {
  let text = desCrypt(password, salt);
  for (let at = BLOCK; at < password.length; at += BLOCK) {
    text += desCrypt(password.subarray(at), text.slice(-11, -9)).slice(2);
  }
  return text;
}
