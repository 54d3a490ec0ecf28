// The applications in examples/, as somebody would start them, behind nothing: they believe an assertion and no header.
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { findPhp, findPython } from '../../harness/programs.ts';
import { until } from '../../harness/until.ts';
import { freePort } from '../../src/launcher/machine/ports.ts';
import { endChild, spawnBound } from '../../src/launcher/machine/process.ts';
import { type KeyServer, newKey, signAssertion, startKeyServer } from '../support/assertions.ts';

const key = newKey('current');
let holdfast: KeyServer;

beforeAll(async () => {
  holdfast = await startKeyServer();
  holdfast.published = [newKey('next'), key];
});
afterAll(() => holdfast.close());

function assertion({
  signedWith = key,
  ...claims
}: {
  signedWith?: typeof key;
  [claim: string]: unknown;
} = {}): string {
  const seconds = Math.floor(Date.now() / 1_000);
  const times = { iat: seconds, exp: seconds + 60, auth_time: seconds - 600 };
  const person = { sub: 'a', sid: 'b', email: 'ana@example.org', groups: ['staff'], amr: ['pwd'] };
  return signAssertion({
    key: signedWith,
    claims: { iss: holdfast.url, aud: 'wiki', ...person, ...times, ...claims },
  });
}

type Command = { readonly file: string; readonly args: readonly string[]; readonly env?: Record<string, string> };
const node = (file: string): Command => ({ file: process.execPath, args: [file] });

const EXAMPLES: Readonly<Record<string, (port: number) => Command | Promise<Command>>> = {
  Koa: () => node('koa.mjs'),
  Express: () => node('express.mjs'),
  Fastify: () => node('fastify.mjs'),
  PHP: async (port) => ({ ...(await findPhp()), args: ['-S', `127.0.0.1:${port}`, 'page.php'] }),
  Python: async () => ({ ...(await findPython()), args: ['wsgi.py'] }),
};

interface Example {
  ask(headers: Record<string, string>): Promise<[status: number, text: string]>;
}

/** While the work goes on, the example answers. */
async function withExample(
  command: Command | Promise<Command>,
  port: number,
  work: (example: Example) => Promise<void>,
  settings: Record<string, string> = {},
): Promise<void> {
  const { file, args, env } = await command;
  const child = spawnBound(file, [...args], {
    deathSignal: 'SIGKILL',
    cwd: path.resolve('examples'),
    env: {
      PATH: process.env['PATH'] ?? '',
      ...env,
      HOLDFAST: holdfast.url,
      APPLICATION: 'wiki',
      PORT: String(port),
      ...settings,
    },
    stdio: 'ignore',
  });
  const ask: Example['ask'] = async (headers) => {
    const answer = await fetch(`http://127.0.0.1:${port}/`, { headers });
    return [answer.status, await answer.text()];
  };
  try {
    await until(() => ask({}).then(Boolean, () => false));
    await work({ ask });
  } finally {
    await endChild(child, [['SIGKILL', 5_000]]);
  }
}

test.each(Object.entries(EXAMPLES))(
  '%s greets whoever the assertion names, and nobody else',
  async (_, command) => {
    const port = await freePort();
    await withExample(command(port), port, async ({ ask }) => {
      expect(await ask({ HoldfastAssertion: assertion() })).toEqual([200, 'Hello ana@example.org']);
      const refused = [
        '',
        'a.b.c',
        assertion({ aud: 'shop' }),
        assertion({ iss: 'https://example.net' }),
        assertion({ exp: 1 }),
        assertion({ signedWith: newKey('current') }),
        assertion({ signedWith: newKey('strange') }),
      ];
      for (const sent of refused) expect((await ask({ HoldfastAssertion: sent }))[0]).toBe(401);
      expect((await ask({ HoldfastUser: 'a', HoldfastEmail: 'ana@example.org', 'Remote-User': 'ana' }))[0]).toBe(401);
    });
  },
  240_000,
); // once it has to be fetched

test('PHP believes no key that somebody else has put where it keeps them', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'holdfast-php-'));
  const planted = newKey('planted');
  const { x } = planted.publicKey.export({ format: 'jwk' });
  const file = `${createHash('sha256').update(holdfast.url).digest('hex')}.json`;
  const kept = path.join(folder, `holdfast-${process.getuid?.()}`);
  const plant = () => writeFileSync(path.join(kept, file), JSON.stringify({ keys: [{ kid: 'planted', x }] }));
  const port = await freePort();
  const serve = async (work: (example: Example) => Promise<void>) =>
    withExample(EXAMPLES['PHP']?.(port) as Promise<Command>, port, work, { TMPDIR: folder });
  try {
    mkdirSync(kept);
    chmodSync(kept, 0o777); // as somebody would make it who wants to write there
    plant();
    await serve(async ({ ask }) => {
      expect((await ask({ HoldfastAssertion: assertion({ signedWith: planted }) }))[0]).toBe(401);
      expect((await ask({ HoldfastAssertion: assertion() }))[0]).toBe(200);
      // In a folder of its own it does keep them: what stands there counts.
      chmodSync(kept, 0o700);
      plant();
      expect((await ask({ HoldfastAssertion: assertion({ signedWith: planted }) }))[0]).toBe(200);
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}, 240_000);
