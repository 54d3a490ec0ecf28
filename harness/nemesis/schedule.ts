// What happens when, from a seed: the same seed gives the same schedule.

export interface Step<Name extends string = string> {
  readonly fault: Name;
  /** How long it lasts. */
  readonly forMs: number;
  /** How long nothing else happens afterwards. */
  readonly restMs: number;
}

const LONGEST_MS = 8_000;
const SHORTEST_MS = 300;
const LONGEST_REST_MS = 4_000;

/** Endless: the faults come in an order of the seed's, none before each has come once. */
export function* schedule<Name extends string>(seed: number, faults: readonly Name[]): Generator<Step<Name>, never> {
  const random = randomFrom(seed);
  const between = (least: number, most: number) => Math.round(least + random() * (most - least));
  for (;;) {
    for (const fault of shuffled(faults, random)) {
      yield { fault, forMs: between(SHORTEST_MS, LONGEST_MS), restMs: between(0, LONGEST_REST_MS) };
    }
  }
}

/** mulberry32: from 0 to below 1, as evenly as this needs. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function shuffled<T>(all: readonly T[], random: () => number): T[] {
  const left = [...all];
  return all.map(() => left.splice(Math.floor(random() * left.length), 1)[0] as T);
}
