// Applications as a process keeps them, and what it costs when somebody asks for what is not there.
import { expect, test } from '@jest/globals';
import type { Application } from '../../src/core/applications/application.ts';
import { createApplicationRegister } from '../../src/core/forward-auth/known-applications.ts';

function registerOf(read: () => Promise<readonly { slug: string; url: string }[]>) {
  const snapshot = async () => ({ version: 1n, applications: (await read()) as readonly Application[] });
  const registryVersion = { newest: () => 1, note: () => undefined };
  return createApplicationRegister({ snapshot, registryVersion, patience: (ask) => ask() });
}

test('whoever asks for what is not there, however often, has PostgreSQL looked at four times a second', async () => {
  let looks = 0;
  const register = registerOf(async () => {
    looks += 1;
    return [];
  });
  const began = performance.now();
  const missed = () => register.find(({ bySlug }) => bySlug('nowhere'));
  const asked = Array.from({ length: 1_000 }, missed);
  expect(new Set(await Promise.all(asked))).toEqual(new Set([undefined]));
  for (let turn = 0; turn < 3; turn += 1) await Promise.all(Array.from({ length: 1_000 }, missed));
  // The first read, and one look for each thousand.
  expect(looks).toBe(5);
  expect(performance.now() - began).toBeGreaterThan(3 * 240);
});

test('a look counts what was registered before it, not what an older one is about to say', async () => {
  const answers: ((applications: { slug: string; url: string }[]) => void)[] = [];
  const register = registerOf(() => new Promise((resolve) => answers.push(resolve)));
  const found = register.find(({ bySlug }) => bySlug('wiki'));
  answers[0]?.([]);
  while (answers.length < 2) await new Promise(setImmediate);
  answers[1]?.([{ slug: 'wiki', url: 'https://wiki.example.org' }]);
  expect(await found).toMatchObject({ slug: 'wiki' });
});
