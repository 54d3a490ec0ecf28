// Whoever sends the headers by which an application hears who asks: in every spelling, through every proxy, to applications of three
// manners. The application hears what Holdfast said and nothing else, or the request is refused.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Gateway, type Manner, startGateway } from '../support/gateways.ts';
import { PROXIES, type Proxied, proxied, proxiedWeb } from '../support/proxied.ts';
import { type Person, world } from '../support/world.ts';

const whole = await world({ webs: [(await proxiedWeb()).env] });
let person: Person;

beforeAll(async () => {
  person = await whole.newMember();
});

/** No value of ours has it. */
const FORGED = 'forged';
const NAMES = ['HoldfastUser', 'HoldfastEmail', 'HoldfastGroups', 'HoldfastName', 'HoldfastAssertion'];
const REMOTE = ['Remote-User', 'Remote-Email', 'Remote-Groups', 'Remote-Name'];
const LONG = 'x'.repeat(1_200);

/** The lines that say it: each of the names is tried by each of them. */
const SPELLINGS: Readonly<Record<string, (name: string) => string>> = {
  'as it is': (name) => `${name}: ${FORGED}`,
  'in small letters': (name) => `${name.toLowerCase()}: ${FORGED}`,
  'in capitals': (name) => `${name.toUpperCase()}: ${FORGED}`,
  'in both': (name) =>
    `${[...name].map((one, at) => (at % 2 ? one.toUpperCase() : one.toLowerCase())).join('')}: ${FORGED}`,
  'with hyphens': (name) => `${apart(name, '-')}: ${FORGED}`,
  'with underscores': (name) => `${apart(name, '_')}: ${FORGED}`,
  'with dots': (name) => `${apart(name, '.')}: ${FORGED}`,
  'with other marks': (name) =>
    ['!', '~', '+', '*', '|', '^'].map((mark) => `${apart(name, mark)}: ${FORGED}`).join('\r\n'),
  'with marks around it': (name) =>
    `-${name}: ${FORGED}\r\n${name}-: ${FORGED}\r\n_${name}: ${FORGED}\r\n${name}_: ${FORGED}`,
  'as a variable': (name) => `HTTP_${name.toUpperCase()}: ${FORGED}\r\nHttp-${name}: ${FORGED}`,
  twice: (name) => `${name}: ${FORGED}\r\n${name}: ${FORGED}`,
  'twice, in two ways': (name) => `${name}: ${FORGED}\r\n${name.toLowerCase()}: ${FORGED}`,
  'with nothing, then with something': (name) => `${name}:\r\n${name}: ${FORGED}`,
  'with a space before the colon': (name) => `${name} : ${FORGED}`,
  'with a tab before the colon': (name) => `${name}\t: ${FORGED}`,
  'with a space before it': (name) => `X-First: 1\r\n ${name}: ${FORGED}`,
  'with spaces in it': (name) => `${apart(name, ' ')}: ${FORGED}`,
  'without a space': (name) => `${name}:${FORGED}`,
  'with many spaces': (name) => `${name}:   \t  ${FORGED}  \t `,
  folded: (name) => `${name}:\r\n ${FORGED}`,
  'folded after a good one': (name) => `X-Other: 1\r\n\t${name}: ${FORGED}`,
  'after a line feed alone': (name) => `X-Other: 1\n${name}: ${FORGED}`,
  'after a carriage return alone': (name) => `X-Other: 1\r${name}: ${FORGED}`,
  'after a zero byte': (name) => `X-Other: 1\0\r\n${name}: ${FORGED}`,
  'with a zero byte': (name) => `${name}\0: ${FORGED}`,
  'with a letter of elsewhere': (name) => `${name}\xff: ${FORGED}\r\n${name.replace('s', '\xc5\xbf')}: ${FORGED}`,
  'very long': (name) => `${name}: ${FORGED}${LONG}`,
  'with a very long name': (name) => `${name}${LONG}: ${FORGED}`,
  'after very many others': (name) =>
    `${Array.from({ length: 8 }, (_, at) => `X-${at}: 1\r\n`).join('')}${name}: ${FORGED}`,
};

function apart(name: string, mark: string): string {
  return name.includes('-') ? name.replaceAll('-', mark) : name.replace('Holdfast', `Holdfast${mark}`);
}

interface Sending {
  readonly lines: readonly string[];
  readonly method?: string;
  readonly version?: string;
  /** What `Connection` lists besides. */
  readonly listed?: string;
  readonly body?: string;
}

describe.each(PROXIES)('through %s', (proxy) => {
  describe.each<Manner>(['CGI', 'WSGI', 'Node'])('to an application by %s', (manner) => {
    let gateway: Gateway;
    let wiki: Proxied;
    let cookie: string;

    beforeAll(async () => {
      gateway = await startGateway(manner);
      wiki = await proxied({ world: whole, proxy, upstream: gateway.url, preflight: true });
      ({ cookie } = await wiki.enter(person));
    }, 240_000); // once it has to be fetched
    afterAll(async () => {
      await wiki?.close();
      await gateway?.close();
    });

    /** What the application heard; null where the proxy refused the request. */
    async function told({ lines, method = 'GET', version = '1.1', listed, body = '' }: Sending) {
      const connection = `Connection: close${listed === undefined ? '' : `, ${listed}`}`;
      const head = [`${method} ${gateway.path} HTTP/${version}`, `Host: ${wiki.host}`, connection, ...lines];
      const answer = await wiki.raw(`${head.join('\r\n')}\r\n\r\n${body}`);
      const status = Number(answer.slice(9, 12));
      if (status >= 400 && status < 500) return null;
      expect([lines, status]).toEqual([lines, 200]);
      const known: Record<string, string> = JSON.parse(answer.slice(answer.indexOf('{'), answer.lastIndexOf('}') + 1));
      return (name: string) =>
        known[manner === 'Node' ? name.toLowerCase() : `HTTP_${name.toUpperCase().replaceAll('-', '_')}`];
    }

    function expectTruth(heard: NonNullable<Awaited<ReturnType<typeof told>>>, how: string): void {
      const [user, email, groups, name, assertion] = NAMES.map((one) => heard(one) ?? '');
      expect([how, user, email, groups, name]).toEqual([how, person.id, person.email, '', person.email]);
      expect(assertion).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/);
      expect(REMOTE.map((one) => heard(one) ?? '')).toEqual(['', '', '', '']);
    }

    function expectNobody(heard: NonNullable<Awaited<ReturnType<typeof told>>>, how: string): void {
      expect([how, ...[...NAMES, ...REMOTE].map((one) => heard(one) ?? '')]).toEqual([how, ...Array(9).fill('')]);
    }

    test('somebody who is logged in stays who they are', async () => {
      const refused: string[] = [];
      for (const [how, spell] of Object.entries(SPELLINGS)) {
        const heard = await told({ lines: [`Cookie: ${cookie}`, ...[...NAMES, ...REMOTE].map(spell)] });
        if (heard) expectTruth(heard, how);
        else refused.push(how);
      }
      // Whatever is no name of a header at all may be refused, and nothing else.
      for (const how of refused) expect(how).toMatch(/before|in it|folded|alone|zero|elsewhere|long|marks/);
    });

    test('a preflight is nobody’s', async () => {
      const asking = ['Origin: https://elsewhere.example', 'Access-Control-Request-Method: PUT'];
      for (const [how, spell] of Object.entries(SPELLINGS)) {
        const heard = await told({ method: 'OPTIONS', lines: [...asking, ...[...NAMES, ...REMOTE].map(spell)] });
        if (heard) expectNobody(heard, how);
      }
    });

    test('nor do trailers, HTTP/1.0 or a list of what ends at the proxy change it', async () => {
      const mine = `Cookie: ${cookie}`;
      const forged = [...NAMES, ...REMOTE].map((name) => `${name}: ${FORGED}`);
      const old = await told({ version: '1.0', lines: [mine, ...forged] });
      if (old) expectTruth(old, 'HTTP/1.0');
      for (const name of [...NAMES, ...REMOTE]) {
        const heard = await told({ listed: name, lines: [mine, ...forged] });
        if (heard) expectTruth(heard, `Connection: ${name}`);
      }
      for (const name of [
        'X-Forwarded-Method',
        'X-Forwarded-Uri',
        'Holdfastmethod',
        'Holdfasturi',
        'Host',
        'X-Forwarded-For',
      ]) {
        const heard = await told({ listed: name, lines: [mine, ...forged] });
        if (heard) expectTruth(heard, `Connection: ${name}`);
      }
      const chunks = ['Transfer-Encoding: chunked', `Trailer: ${NAMES.join(', ')}`];
      const body = `3\r\na=b\r\n0\r\n${forged.join('\r\n')}\r\n\r\n`;
      const heard = await told({ method: 'POST', lines: [mine, ...chunks], body });
      if (heard) expectTruth(heard, 'trailers');
    });
  });
});
