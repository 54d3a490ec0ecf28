// md5-crypt of FreeBSD (`$1$`), of Apache (`$apr1$`) and of AIX (no name).
import { digest } from './digests.ts';

const ROUNDS = 1_000;

const md5 = (...parts: readonly Uint8Array[]) => digest('md5', Buffer.concat(parts));

/** The 16 bytes of the digest. */
export function md5Crypt(password: Buffer, { magic, salt }: { magic: string; salt: Buffer }): Buffer {
  const alternate = md5(password, salt, password);
  const parts: Uint8Array[] = [password, Buffer.from(magic), salt, Buffer.alloc(password.length, alternate)];
  for (let bits = password.length; bits > 0; bits >>= 1) {
    parts.push(bits & 1 ? Buffer.of(0) : password.subarray(0, 1));
  }
  let state = md5(...parts);
  for (let round = 0; round < ROUNDS; round += 1) {
    const odd = round % 2 === 1;
    const mixed: Uint8Array[] = [odd ? password : state];
    if (round % 3 !== 0) mixed.push(salt);
    if (round % 7 !== 0) mixed.push(password);
    mixed.push(odd ? state : password);
    state = md5(...mixed);
  }
  return state;
}
