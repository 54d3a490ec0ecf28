// CRAM-MD5 keeps what HMAC-MD5 has made of its key alone: the states of MD5 after one block, outer
// and inner. No library gives MD5's state away, so its one block is here (RFC 1321 §3.4).
const BLOCK = 64;
const START = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476] as const;
const SHIFTS = [
  [7, 12, 17, 22],
  [5, 9, 14, 20],
  [4, 11, 16, 23],
  [6, 10, 15, 21],
] as const;
const SINES = Array.from({ length: 64 }, (_, i) => Math.floor(Math.abs(Math.sin(i + 1)) * 2 ** 32));

/** 16 bytes of the outer state and 16 of the inner. `key` has at most 64 bytes. */
export function cramMd5(key: Buffer): Buffer {
  const padded = Buffer.alloc(BLOCK);
  key.copy(padded);
  return Buffer.concat([0x5c, 0x36].map((pad) => stateAfter(padded.map((byte) => byte ^ pad))));
}

function stateAfter(block: Uint8Array): Buffer {
  const words = Array.from({ length: 16 }, (_, i) => Buffer.from(block).readUInt32LE(i * 4));
  let [a, b, c, d] = START as readonly number[] as [number, number, number, number];
  for (let i = 0; i < 64; i += 1) {
    const round = i >> 4;
    const mixed = [(b & c) | (~b & d), (d & b) | (~d & c), b ^ c ^ d, c ^ (b | ~d)][round] ?? 0;
    const word = [i, 5 * i + 1, 3 * i + 5, 7 * i][round] ?? 0;
    const sum = (a + mixed + (SINES[i] ?? 0) + (words[word % 16] ?? 0)) >>> 0;
    const shift = SHIFTS[round]?.[i % 4] ?? 0;
    [a, d, c, b] = [d, c, b, (b + ((sum << shift) | (sum >>> (32 - shift)))) >>> 0];
  }
  const state = Buffer.alloc(16);
  for (const [i, word] of [a, b, c, d].entries()) state.writeUInt32LE((word + (START[i] ?? 0)) >>> 0, i * 4);
  return state;
}
