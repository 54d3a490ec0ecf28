// The verifier that an application behind Holdfast uses: whom it believes, and what it does while Holdfast is away.
import { createVerifier } from '../../verifier/verifier.mjs';
import { type Key, type KeyServer, newKey, signAssertion, startKeyServer } from '../support/assertions.ts';

const [old, next, strange] = [newKey('old'), newKey('next'), newKey('strange')];
let holdfast: KeyServer;

beforeAll(async () => {
  holdfast = await startKeyServer();
});
afterAll(() => holdfast.close());
beforeEach(() => {
  Object.assign(holdfast, { published: [old], away: false, asked: 0 });
});

const NOW = 1_800_000_000;
const CLAIMS = {
  aud: 'wiki',
  sub: '019a0000-0000-7000-8000-000000000001',
  sid: '019a0000-0000-7000-8000-000000000002',
  email: 'ana@example.org',
  groups: ['staff'],
  amr: ['pwd', 'otp'],
  auth_time: NOW - 600,
  iat: NOW,
  exp: NOW + 60,
};

function assertion({ key = old, head = {}, claims = {} }: { key?: Key; head?: object; claims?: object } = {}): string {
  return signAssertion({ key, head, claims: { iss: holdfast.url, ...CLAIMS, ...claims } });
}

function verifierAt(start = NOW) {
  const clock = { seconds: start };
  const verifier = createVerifier({ issuer: holdfast.url, application: 'wiki', now: () => clock.seconds * 1_000 });
  return {
    clock,
    who: (sent?: string | string[]) => verifier({ headers: sent === undefined ? {} : { holdfastassertion: sent } }),
    verifier,
  };
}

test('tells who a request is from, of Node and of the Fetch API', async () => {
  const { who, verifier } = verifierAt();
  const person = {
    id: CLAIMS.sub,
    email: 'ana@example.org',
    groups: ['staff'],
    session: CLAIMS.sid,
    methods: ['pwd', 'otp'],
    authenticatedAt: new Date((NOW - 600) * 1_000),
  };
  expect(await who(assertion())).toEqual(person);
  const headers = new Headers({ HoldfastAssertion: assertion() });
  expect(await verifier({ headers })).toEqual(person);
  expect(holdfast.asked).toBe(1);
});

test.each<[string, () => string | string[] | undefined]>([
  ['no header', () => undefined],
  ['an empty one', () => ''],
  ['two', () => [assertion(), assertion()]],
  ['two that a server joined', () => `${assertion()}, ${assertion()}`],
  ['no assertion', () => 'a.b.c'],
  ['another application’s', () => assertion({ claims: { aud: 'shop' } })],
  ['a list of applications', () => assertion({ claims: { aud: ['wiki', 'shop'] } })],
  ['another issuer’s', () => assertion({ claims: { iss: 'https://example.net' } })],
  ['an old one', () => assertion({ claims: { exp: NOW - 31 } })],
  ['one without an end', () => assertion({ claims: { exp: undefined } })],
  ['one of the future', () => assertion({ claims: { iat: NOW + 31 } })],
  ['another algorithm', () => assertion({ head: { alg: 'HS256' } })],
  ['no algorithm', () => assertion({ head: { alg: 'none' } })],
  ['another kind of token', () => assertion({ head: { typ: 'JWT' } })],
  ['what it must understand and doesn’t', () => assertion({ head: { crit: ['b64'] } })],
  ['a key that is not published', () => assertion({ key: strange })],
  ['a key that is called like a published one', () => assertion({ key: strange, head: { kid: 'old' } })],
  ['no key', () => assertion({ head: { kid: undefined } })],
  ['altered claims', () => assertion().replace(/\.[^.]+\./, `.${assertion({ claims: { sub: 'x' } }).split('.')[1]}.`)],
])('believes nobody by %s', async (_, sent) => {
  expect(await verifierAt().who(sent())).toBeNull();
});

test('a clock that is half a minute off changes nothing', async () => {
  expect(await verifierAt(NOW + 89).who(assertion())).not.toBeNull();
  expect(await verifierAt(NOW - 29).who(assertion())).not.toBeNull();
});

test('a new key is asked for once in half a minute', async () => {
  const { who, clock } = verifierAt();
  await who(assertion());
  for (let times = 0; times < 5; times += 1) expect(await who(assertion({ key: next }))).toBeNull();
  holdfast.published = [old, next];
  expect(holdfast.asked).toBe(1);
  clock.seconds += 31;
  const answers = await Promise.all(Array.from({ length: 5 }, () => who(assertion({ key: next }))));
  expect(answers.every((person) => person !== null)).toBe(true);
  expect(holdfast.asked).toBe(2);
});

test('a key that is published no more counts five minutes at most', async () => {
  const { who, clock } = verifierAt();
  await who(assertion());
  holdfast.published = [next];
  const later = () => assertion({ claims: { iat: clock.seconds, exp: clock.seconds + 60 } });
  clock.seconds += 299;
  expect(await who(later())).not.toBeNull();
  clock.seconds += 2;
  expect(await who(later())).toBeNull();
});

test('while Holdfast is away the last keys count; without any it says so, and goes on once it is back', async () => {
  const { who, clock } = verifierAt();
  holdfast.away = true;
  await expect(who(assertion())).rejects.toThrow('Holdfast’s keys can’t be had');
  holdfast.away = false;
  expect(await who(assertion())).not.toBeNull();
  holdfast.away = true;
  clock.seconds += 3_600;
  expect(await who(assertion({ claims: { iat: clock.seconds, exp: clock.seconds + 60 } }))).not.toBeNull();
});
