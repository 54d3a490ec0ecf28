// The alphabet of crypt(3), and its order of bits: the lowest first.
const ALPHABET = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** The order in which a text of md5-crypt holds the bytes; the readers undo it. */
export const MD5_CRYPT_ORDER = [12, 6, 0, 13, 7, 1, 14, 8, 2, 15, 9, 3, 5, 10, 4, 11] as const;

/** The number that a character stands for; -1 if none. */
export const itoa64Value = (character: string): number => (character.length === 1 ? ALPHABET.indexOf(character) : -1);

/** `length` characters of a number of at most 32 bits. */
export function itoa64Number(value: number, length: number): string {
  let text = '';
  let left = value;
  for (let i = 0; i < length; i += 1) {
    text += ALPHABET[left & 63];
    left >>>= 6;
  }
  return text;
}

/** Three bytes are four characters; what is left over is as many as it needs. */
export function itoa64(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; i += 3) {
    const group = bytes.subarray(i, i + 3);
    const value = (group[0] ?? 0) | ((group[1] ?? 0) << 8) | ((group[2] ?? 0) << 16);
    text += itoa64Number(value, group.length + 1);
  }
  return text;
}

/** The bytes of a text, or null if a character is none of the alphabet. */
export function fromItoa64(text: string): Buffer | null {
  const bytes = Buffer.alloc(Math.floor((text.length * 6) / 8));
  for (let i = 0, at = 0; i < text.length; i += 4) {
    let value = 0;
    const group = text.slice(i, i + 4);
    for (let j = 0; j < group.length; j += 1) {
      const digit = itoa64Value(group[j] ?? '');
      if (digit < 0) return null;
      value |= digit << (6 * j);
    }
    for (let j = 0; j < group.length - 1; j += 1, at += 1) bytes[at] = (value >>> (8 * j)) & 255;
  }
  return bytes;
}
