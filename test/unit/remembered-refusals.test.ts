// Floods against a block: refused from memory for a tenth of a second, and counted one by one.
import { createRememberedRefusals } from '../../src/core/throttle/counters/remembered-refusals.ts';

const BLOCK = { id: 'block', now: 1_800_000_000_000, retryAfterMs: 60_000 };

function refusals() {
  let clock = 0;
  const due: (() => void)[] = [];
  const added: [string, number][] = [];
  const remembered = createRememberedRefusals({
    add: (field, count) => added.push([field, count]),
    now: () => clock,
    later: (work) => due.push(work),
  });
  return {
    ...remembered,
    added,
    pass: (ms: number) => {
      clock += ms;
    },
    turn: () => {
      for (const work of due.splice(0)) work();
    },
    /** Refused so often within one moment. */
    flood(times = 16, key = 'client') {
      for (let time = 0; time < times; time += 1) remembered.met([key], BLOCK);
    },
  };
}

test('whoever is refused now and then is never answered from memory', () => {
  const { flood, refuse, pass, met } = refusals();
  flood(15);
  expect(refuse(['client'])).toBeNull();
  pass(1_000);
  flood(15);
  expect(refuse(['client'])).toBeNull();
  for (let second = 0; second < 50; second += 1) {
    pass(1_000);
    met(['client'], BLOCK);
    expect(refuse(['client'])).toBeNull();
  }
});

test('a flood is refused for a tenth of a second, then a store is asked again', () => {
  const { flood, refuse, pass, met } = refusals();
  flood();
  pass(100);
  expect(refuse(['account', 'client'])).toEqual({ key: 'client', retryAfterMs: 59_900 });
  pass(1);
  expect(refuse(['client'])).toBeNull();
  met(['client'], BLOCK); // still there, once is enough while the flood goes on
  expect(refuse(['client'])).not.toBeNull();
  pass(1_000);
  met(['client'], BLOCK);
  expect(refuse(['client'])).not.toBeNull();
  pass(2_000);
  met(['client'], BLOCK);
  expect(refuse(['client'])).toBeNull();
});

test('one alone asks again, and the others are refused until it is answered, or for as long again', () => {
  const { flood, refuse, pass, met, turn, added } = refusals();
  flood();
  pass(101);
  expect([refuse(['client']), refuse(['client'])]).toEqual([null, { key: 'client', retryAfterMs: 59_899 }]);
  pass(99);
  expect(refuse(['client'])).not.toBeNull();
  pass(1);
  expect([refuse(['client']), refuse(['client'])]).toEqual([null, null]);
  met(['client'], BLOCK);
  pass(150);
  expect([refuse(['client']), refuse(['client'])]).toEqual([null, { key: 'client', retryAfterMs: 59_850 }]);
  turn();
  expect(added.map(([, count]) => count)).toEqual([3]);
});

test('no longer than the block lasts, nobody else, and not after it was lifted', () => {
  const { refuse, met, forget, flood, pass } = refusals();
  for (let time = 0; time < 16; time += 1) met(['client'], { ...BLOCK, retryAfterMs: 50 });
  expect(refuse(['another'])).toBeNull();
  pass(49);
  expect(refuse(['client'])).toEqual({ key: 'client', retryAfterMs: 1 });
  pass(1);
  expect(refuse(['client'])).toBeNull();
  flood();
  expect(refuse(['client'])).not.toBeNull();
  forget();
  expect(refuse(['client'])).toBeNull();
});

test('each is counted in the ten minutes of Redis’s clock in which it was refused, those of a turn in one command', () => {
  const { refuse, met, pass, turn, added } = refusals();
  const now = 1_800_000_000_000 + 599_950;
  for (let time = 0; time < 16; time += 1) met(['client'], { ...BLOCK, now });
  for (let time = 0; time < 3; time += 1) refuse(['client']);
  pass(60);
  refuse(['client']);
  expect(added).toEqual([]);
  turn();
  expect(added).toEqual([
    ['block:1800000000000', 3],
    ['block:1800000600000', 1],
  ]);
  refuse(['client']);
  turn();
  expect(added.at(-1)).toEqual(['block:1800000600000', 1]);
  turn();
  expect(added).toHaveLength(3);
});
