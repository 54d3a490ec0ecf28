// sha-crypt, `$5$` and `$6$`, after Ulrich Drepper's description of it.
import { digest } from './digests.ts';
import { itoa64Number } from './itoa64.ts';

const DEFAULT_ROUNDS = 5_000;
const MIN_ROUNDS = 1_000;
const SETTING = /^\$([56])\$(?:rounds=(\d+)\$)?([^$]*)$/;

/** `setting` is `$6$salt` or `$6$rounds=10000$salt`; the whole text comes out. */
export function shaCrypt(password: Buffer, setting: string): string {
  const [, kind = '', given, saltText = ''] = SETTING.exec(setting) ?? [];
  const of = kind === '5' ? 'sha256' : 'sha512';
  const salt = Buffer.from(saltText.slice(0, 16));
  const rounds = given === undefined ? DEFAULT_ROUNDS : Math.max(MIN_ROUNDS, Number(given));
  const hashOf = (...parts: readonly Uint8Array[]) => digest(of, Buffer.concat(parts));

  const b = hashOf(password, salt, password);
  const parts: Uint8Array[] = [password, salt, repeated(b, password.length)];
  for (let bits = password.length; bits > 0; bits >>= 1) parts.push(bits & 1 ? b : password);
  let state = hashOf(...parts);
  const p = repeated(hashOf(...Array.from({ length: password.length }, () => password)), password.length);
  const s = repeated(hashOf(...Array.from({ length: 16 + (state[0] ?? 0) }, () => salt)), salt.length);

  for (let round = 0; round < rounds; round += 1) {
    const odd = round % 2 === 1;
    const mixed: Uint8Array[] = [odd ? p : state];
    if (round % 3 !== 0) mixed.push(s);
    if (round % 7 !== 0) mixed.push(p);
    mixed.push(odd ? state : p);
    state = hashOf(...mixed);
  }
  return `${setting}$${encoded(state)}`;
}

/** The bytes over and over, up to a length. */
function repeated(bytes: Buffer, length: number): Buffer {
  return Buffer.alloc(length, bytes);
}

/** Three bytes, a third of the digest apart, are four characters; the order turns from group to group. */
function encoded(state: Buffer): string {
  const third = Math.floor(state.length / 3);
  const sha512 = state.length === 64;
  let text = '';
  for (let i = 0; i < third; i += 1) {
    const at = [i, i + third, i + 2 * third];
    const turn = sha512 ? i : 2 * i;
    const [high = 0, middle = 0, low = 0] = [0, 1, 2].map((j) => state[at[(turn + j) % 3] ?? 0] ?? 0);
    text += itoa64Number((high << 16) | (middle << 8) | low, 4);
  }
  if (sha512) return text + itoa64Number(state[63] ?? 0, 2);
  return text + itoa64Number(((state[31] ?? 0) << 8) | (state[30] ?? 0), 3);
}
