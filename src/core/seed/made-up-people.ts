// People who never were, for made-up events.

export interface Person {
  readonly id: string;
  readonly email: string;
  readonly ip: string;
  readonly browsers: readonly string[];
  /** Hours ahead of UTC. */
  readonly zone: number;
  /** For a week their log-ins come from elsewhere; `from` is the share of the span before it. */
  readonly journey: { readonly from: number; readonly ip: string } | null;
  /** Has no password manager. */
  readonly forgetful: boolean;
}

/** From 0 to 1; the same numbers for the same seed. */
export type Random = () => number;

export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export function pick<T>(random: Random, choices: readonly T[]): T {
  return choices[Math.floor(random() * choices.length)] as T;
}

/** A UUIDv7 of that moment. */
export function uuidAt(random: Random, time: number): string {
  const hex = (digits: number) =>
    Math.floor(random() * 16 ** digits)
      .toString(16)
      .padStart(digits, '0');
  const moment = time.toString(16).padStart(12, '0');
  const variant = pick(random, ['8', '9', 'a', 'b']);
  return `${moment.slice(0, 8)}-${moment.slice(8)}-7${hex(3)}-${variant}${hex(3)}-${hex(6)}${hex(6)}`;
}

const BROWSERS = [
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/VERSION.0.0.0 Safari/537.36',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/VERSION.0.0.0 Safari/537.36',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Safari/605.1.15',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 26_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Mobile/15E148 Safari/604.1',
  'Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/VERSION.0.0.0 Mobile Safari/537.36',
  'Mozilla/5.0 (X11; Linux x86_64; rv:VERSION.0) Gecko/20100101 Firefox/VERSION.0',
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:VERSION.0) Gecko/20100101 Firefox/VERSION.0',
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/VERSION.0.0.0 Safari/537.36 Edg/VERSION.0.0.0',
];

export function makeUpPeople(random: Random, count: number, bornAt: number): Person[] {
  return Array.from({ length: count }, (_, index) => {
    const browser = () => pick(random, BROWSERS).replaceAll('VERSION', String(138 + Math.floor(random() * 6)));
    return {
      id: uuidAt(random, bornAt),
      email: `person-${String(index + 1).padStart(6, '0')}@people.example.org`,
      ip: random() < 0.25 ? addressOfSix(random) : addressOfFour(random),
      browsers: random() < 0.6 ? [browser(), browser()] : [browser()],
      zone: pick(random, [0, 0, 1, 1, 1, 1, 2, -5, -5, -8, 9]),
      journey: random() < 0.04 ? { from: random() * 0.9, ip: addressOfFour(random) } : null,
      forgetful: random() < 0.1,
    };
  });
}

/** In the networks for tests and examples, which belong to nobody. */
export function addressOfFour(random: Random): string {
  const byte = () => Math.floor(random() * 256);
  return random() < 0.9
    ? `198.${18 + Math.floor(random() * 2)}.${byte()}.${byte()}`
    : `${pick(random, ['192.0.2', '198.51.100', '203.0.113'])}.${byte()}`;
}

function addressOfSix(random: Random): string {
  const group = () => (1 + Math.floor(random() * 0xfffe)).toString(16);
  return `2001:db8:${group()}:${group()}:${group()}:${group()}:${group()}:${group()}`;
}
