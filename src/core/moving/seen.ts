// Which texts of a file came before, in some nine bytes each, so that a million fits beside everything else. A fingerprint of 60
// bits stands for the text: that two of a million are taken for one happens once in two million files.
import { randomInt } from 'node:crypto';

/** A part of the table for each value of the first 12 bits, so that the whole never has to be copied at once. */
const PARTS = 4_096;
const WORDS = 3;
const FULL = 0.8;
const GROWTH = 1.4;

interface Part {
  /** Three words an entry; the first of a free one is 0. */
  words: Uint16Array;
  count: number;
}

export function createSeen() {
  const seed = randomInt(2 ** 32);
  const parts: Part[] = Array.from({ length: PARTS }, () => ({ words: new Uint16Array(0), count: 0 }));
  return {
    /** Notes a text; false if it was noted before. */
    add(text: string): boolean {
      const [one, two] = fingerprint(text, seed);
      const part = parts[one >>> 20] as Part;
      if (part.count >= (part.words.length / WORDS) * FULL) grow(part);
      const isNew = put(part.words, one & 0xffff || 1, two >>> 16, two & 0xffff);
      if (isNew) part.count += 1;
      return isNew;
    },
  };
}

/** cyrb53 of bryc, with both of its words: mixes well, and no file can be made for it, because the seed is of this run. */
function fingerprint(text: string, seed: number): readonly [number, number] {
  let one = 0xdeadbeef ^ seed;
  let two = 0x41c6ce57 ^ seed;
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    one = Math.imul(one ^ unit, 2_654_435_761);
    two = Math.imul(two ^ unit, 1_597_334_677);
  }
  one = Math.imul(one ^ (one >>> 16), 2_246_822_507) ^ Math.imul(two ^ (two >>> 13), 3_266_489_909);
  two = Math.imul(two ^ (two >>> 16), 2_246_822_507) ^ Math.imul(one ^ (one >>> 13), 3_266_489_909);
  return [one >>> 0, two >>> 0];
}

function put(words: Uint16Array, a: number, b: number, c: number): boolean {
  const slots = words.length / WORDS;
  for (let slot = (a + b * 0x1_0000) % slots; ; slot = (slot + 1) % slots) {
    const at = slot * WORDS;
    if (words[at] === 0) {
      words.set([a, b, c], at);
      return true;
    }
    if (words[at] === a && words[at + 1] === b && words[at + 2] === c) return false;
  }
}

function grow(part: Part): void {
  const old = part.words;
  part.words = new Uint16Array(WORDS * Math.max(8, Math.ceil((old.length / WORDS) * GROWTH)));
  for (let at = 0; at < old.length; at += WORDS) {
    const a = old[at] as number;
    if (a !== 0) put(part.words, a, old[at + 1] as number, old[at + 2] as number);
  }
}
