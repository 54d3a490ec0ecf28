// Rolling reloads under the checks of several proxies at once: people who are inside an application, people who are not, and people
// whose session has ended ask for pages and data through each of them. There is one right answer to each.

import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { writeRecipe } from '../../src/core/forward-auth/recipes.ts';
import { freePort } from '../../src/launcher/machine/ports.ts';
import type { Installation } from '../installation.ts';
import { open, readUntil } from '../load.ts';
import { makeFolder, type RunningProxy, type RunProxy, startProxy } from '../proxies.ts';
import { until } from '../until.ts';
import { type Answer, readAnswerIn } from './client.ts';
import { registerReaders } from './crowd.ts';
import { openLedger } from './ledger.ts';

/** What stands in front, by what it is called in the table. */
const FRONTS: readonly {
  readonly name: string;
  readonly slug: string;
  readonly proxy: RunProxy;
  readonly fresh?: true;
}[] = [
  { name: 'nginx, kept alive', slug: 'nginx', proxy: 'nginx' },
  { name: 'nginx, a connection for each check', slug: 'nginx-fresh', proxy: 'nginx', fresh: true },
  { name: 'Caddy', slug: 'caddy', proxy: 'caddy' },
  { name: 'HAProxy', slug: 'haproxy', proxy: 'haproxy' },
];

export interface ProxyLoad {
  readonly reloads: number;
  /** For each proxy: half of them keep their connection to it, half open another for each request. */
  readonly clients: number;
  /** Each waits up to this long before its next request. */
  readonly thinkTimeMs: number;
}

export interface ProxyRow {
  readonly name: string;
  readonly checks: number;
  /** Answers that were not the right one. */
  readonly wrong: readonly string[];
  /** Connections that ended without an answer. */
  readonly lost: readonly string[];
  readonly durations: readonly number[];
}

interface Front {
  readonly name: string;
  readonly host: string;
  readonly port: number;
}

/** A request, and whether an answer is the right one. */
interface Wish {
  readonly lines: readonly string[];
  isRight(answer: Answer): boolean;
}

const PAGE = ['Sec-Fetch-Mode: navigate', 'Sec-Fetch-Dest: document'];
const SCRIPT = ['Sec-Fetch-Mode: cors', 'Sec-Fetch-Dest: empty'];

/** Leaves nothing running. */
export async function reloadBehindProxies(installation: Installation, load: ProxyLoad): Promise<readonly ProxyRow[]> {
  const application = createServer((request, response) => response.end(`for ${request.headers['holdfastemail']}`));
  await new Promise<void>((resolve) => application.listen(0, '127.0.0.1', resolve));
  const upstream = `http://127.0.0.1:${(application.address() as AddressInfo).port}`;
  const running: RunningProxy[] = [];
  try {
    const fronts = await Promise.all(FRONTS.map(async (front) => ({ ...front, port: await freePort() })));
    await register(installation, fronts);
    for (const front of fronts) running.push(await start(front, upstream, installation.port));
    const rows = await Promise.all(
      fronts.map(async ({ name, slug, port }) => {
        const front = { name, port, host: `${slug}.localhost:${port}` };
        return { front, wishes: await wishesAt(front, installation) };
      }),
    );
    const state = { over: false };
    const asking = rows.map(({ front, wishes }) => askAll(front, wishes, load, state));
    for (let round = 0; round < load.reloads; round += 1) await installation.reload();
    state.over = true;
    return await Promise.all(asking);
  } finally {
    await Promise.all(running.map((one) => one.close()));
    application.closeAllConnections();
    await new Promise((resolve) => application.close(resolve));
  }
}

type Placed = (typeof FRONTS)[number] & { readonly port: number };

async function register(installation: Installation, fronts: readonly Placed[]): Promise<void> {
  const lines = fronts.flatMap(({ name, slug, port }) => [
    `  - { slug: ${slug}, name: "${name}", url: "http://${slug}.localhost:${port}", enter: everybody }`,
  ]);
  const file = path.join(makeFolder(), 'applications.yaml');
  writeFileSync(file, `applications:\n${lines.join('\n')}\n`);
  await installation.cli(['applications', 'apply', file, '--reason', 'a measurement', '--yes']);
}

async function start({ slug, proxy, port, fresh }: Placed, upstream: string, holdfast: number): Promise<RunningProxy> {
  const folder = makeFolder();
  const about = { name: slug, slug, url: `http://${slug}.localhost:${port}` };
  const recipe = writeRecipe(proxy, about, {
    listen: port,
    upstream,
    holdfast: `http://127.0.0.1:${holdfast}`,
    folder,
  });
  if (!recipe.ok) throw new Error(recipe.problem);
  const files = recipe.files.map(({ name, text }) => ({
    name,
    text: fresh ? text.replace(/^ *keepalive .*$/m, '') : text,
  }));
  return startProxy(proxy, { files, folder, port });
}

/** Somebody is inside, somebody was, and somebody never. */
async function wishesAt(front: Front, installation: Installation): Promise<readonly Wish[]> {
  const known = async () => (await once(front, '/.holdfast/start?to=%2F', PAGE)).status === 302;
  await until(known, 20_000);
  const [inside, gone] = await registerReaders(installation.port, openLedger(), 2);
  if (!inside || !gone) throw new Error('nobody could register');
  const [mine, theirs] = [
    await enter(front, installation.port, inside.cookie),
    await enter(front, installation.port, gone.cookie),
  ];
  const left = await once(
    front,
    '/.holdfast/logout',
    [`Cookie: ${theirs}`, `Origin: http://${front.host}`],
    'scope=everywhere',
  );
  if (left.status !== 200) throw new Error(`nobody can log out behind ${front.name}: ${left.status}`);
  const toLogin = ({ status, location }: Answer) =>
    status === 302 && location.startsWith(`http://${front.host}/.holdfast/start?to=`);
  const unknown = ({ status, body }: Answer) => status === 401 && body === '{"error":"login_required"}';
  const itsPage = ({ status, body }: Answer) => status === 200 && /^for person-\d+@example\.org$/.test(body);
  return [
    { lines: [...PAGE, `Cookie: ${mine}`], isRight: itsPage },
    { lines: [...SCRIPT, `Cookie: ${mine}`], isRight: itsPage },
    { lines: PAGE, isRight: toLogin },
    { lines: [...SCRIPT, `Cookie: ${theirs}`], isRight: unknown },
  ];
}

/** The way of a browser into the application; its cookie there. */
async function enter(front: Front, holdfast: number, cookie: string): Promise<string> {
  const start = await once(front, '/.holdfast/start?to=%2F', PAGE);
  const { pathname, search } = new URL(start.location);
  const own = { name: 'Holdfast', host: `127.0.0.1:${holdfast}`, port: holdfast };
  const given = await once(own, pathname + search, [`Cookie: ${cookie}`, 'Sec-Fetch-Site: cross-site']);
  const back = new URL(given.location);
  const entered = await once(front, back.pathname + back.search, [...PAGE, `Cookie: ${start.cookies[0]}`]);
  const got = entered.cookies.find((one) => one.startsWith('holdfast_app='));
  if (got === undefined) throw new Error(`nobody can enter behind ${front.name}: ${entered.status}`);
  return got;
}

async function once(front: Front, target: string, lines: readonly string[], form?: string): Promise<Answer> {
  const socket = await open(front.port);
  try {
    const body =
      form === undefined ? [] : ['Content-Type: application/x-www-form-urlencoded', `Content-Length: ${form.length}`];
    const method = form === undefined ? 'GET' : 'POST';
    socket.write(requestOf(front, `${method} ${target}`, [...lines, ...body, 'Connection: close']) + (form ?? ''));
    return await readUntil(socket, readAnswerIn);
  } finally {
    socket.destroy();
  }
}

function requestOf({ host }: Front, what: string, lines: readonly string[]): string {
  return `${[`${what} HTTP/1.1`, `Host: ${host}`, ...lines].join('\r\n')}\r\n\r\n`;
}

async function askAll(
  front: Front,
  wishes: readonly Wish[],
  { clients, thinkTimeMs }: ProxyLoad,
  state: { readonly over: boolean },
): Promise<ProxyRow> {
  const [wrong, lost, durations]: [string[], string[], number[]] = [[], [], []];
  const client = async (index: number) => {
    const keepAlive = index % 2 === 0;
    let socket: Socket | undefined;
    for (let count = index; !state.over; count += 1) {
      const wish = wishes[count % wishes.length] as Wish;
      const from = performance.now();
      try {
        // One that the proxy closed while nothing was asked is no failure.
        if (!socket || socket.destroyed || socket.readableEnded) socket = await open(front.port);
        socket.write(
          requestOf(front, `GET /page/${count}`, keepAlive ? wish.lines : [...wish.lines, 'Connection: close']),
        );
        const answer = await readUntil(socket, readAnswerIn);
        if (!wish.isRight(answer)) wrong.push(`${answer.status} ${answer.body.slice(0, 80)}`);
        if (!keepAlive || answer.close) socket.destroy();
      } catch (error) {
        lost.push(String(error));
        socket?.destroy();
      }
      durations.push(performance.now() - from);
      await delay(Math.random() * thinkTimeMs);
    }
    socket?.destroy();
  };
  await Promise.all(Array.from({ length: clients }, (_, index) => client(index)));
  return { name: front.name, checks: durations.length, wrong, lost, durations };
}
