// A log that stands still is said once.
import { expect, test } from '@jest/globals';
import { createSealingWatch } from '../../worker/sealing-watch.ts';

test('ten seconds without sealing are warned of once, and their end is said once', () => {
  let silentMs = 0;
  const said: string[] = [];
  const say = (words: unknown) => void said.push(String(words));
  const { look } = createSealingWatch({
    sealing: { silentMs: () => silentMs },
    log: { info: say, warn: say } as never,
  });
  for (silentMs of [0, 9_900, 10_100, 20_000, 60_000, 300, 200]) look();
  expect(said).toEqual(['nothing could be sealed for 10 s: events wait in the outbox', 'events are sealed again']);
});
