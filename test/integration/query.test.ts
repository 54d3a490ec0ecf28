// The parameters of an address are read in one pass, whoever asks for what, and say what they say to Koa.
import { expect, jest, test } from '@jest/globals';
import Koa from 'koa';
import { readQueriesOnce } from '../../src/web/http/query.ts';
import { ask } from '../support/wire.ts';
import { world } from '../support/world.ts';

const { web } = await world({ webs: [{}] });

test('an address is gone through once, not for each of its parameters', async () => {
  const passes = jest.spyOn(URLSearchParams.prototype, 'getAll');
  for (const path of ['/login', '/', '/api/audit', '/.holdfast/start', '/healthz', '/nowhere'])
    expect((await ask(`${web.url}${path}?a=1&b=2&a=3`)).status).toBeLessThan(500);
  expect(passes).not.toHaveBeenCalled();
  passes.mockRestore();
});

test('every address says what it says to Koa', () => {
  const read = (app: Koa, querystring: string) =>
    ({ ...Object.assign(Object.create(app.request), { req: { url: `/?${querystring}` } }).query }) as object;
  const ours = new Koa();
  readQueriesOnce(ours);
  for (const text of [
    '',
    'a',
    'a=',
    'a=1&a=2&b=3&a=4',
    '&&',
    'a=%20+%2B&%61=2',
    'a=%zz',
    '__proto__=1&toString=2',
    '=x',
  ])
    expect([text, read(ours, text)]).toEqual([text, read(new Koa(), text)]);
});
