// Which of several Redis has a session: by its name and by how many there are, nothing else. Names are hashes, so each Redis gets
// an even share without a directory.

/**
 * A place in the list, from 0. One more address at the end of the list takes its share evenly from all others, and nothing
 * moves between those; one less gives it back in the same way.
 */
export function placeOf(name: string, places: number): number {
  if (places === 1) return 0;
  const key = Buffer.from(name.slice(0, 6), 'base64url').readUInt32BE();
  let chosen = 0;
  let highest = -1;
  for (let place = 0; place < places; place += 1) {
    const weight = weightOf(key, place);
    if (weight > highest) [chosen, highest] = [place, weight];
  }
  return chosen;
}

/** Rendezvous hashing: each place draws its own number for each session. The mixing is MurmurHash3's finalizer. */
function weightOf(key: number, place: number): number {
  let mixed = key ^ Math.imul(place + 1, 0x9e3779b1);
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
