// An application behind a real proxy that runs the recipe as it is printed: what is asked of it, and the way of a browser into it.
import { connect } from 'node:net';
import { expect } from '@jest/globals';
import { makeFolder, type RunningProxy, type RunProxy, startProxy } from '../../harness/proxies.ts';
import { writeRecipe } from '../../src/core/forward-auth/recipes.ts';
import { freePort } from '../../src/launcher/machine/ports.ts';
import { addApplication, type Rules } from './applications.ts';
import { ask, cookieIn, PAGE, type SentHeaders, type WireAnswer } from './wire.ts';
import type { Person, World } from './world.ts';

export const PROXIES: readonly RunProxy[] = ['nginx', 'caddy', 'haproxy'];

/** A web process that answers proxies of this machine, at a port that is known before it starts. */
export async function proxiedWeb() {
  const port = await freePort();
  const publicUrl = `http://localhost:${port}`;
  return { publicUrl, env: { PORT: String(port), PUBLIC_URL: publicUrl, TRUSTED_PROXIES: '127.0.0.1' } };
}

export interface ProxiedOptions extends Rules {
  readonly world: World;
  readonly proxy: RunProxy;
  /** Where the application is. */
  readonly upstream: string;
  /** Of its host, below `localhost`; the proxy's unless said otherwise. */
  readonly name?: string;
}

/** In what a recipe is another than that of the application. */
interface Unlike {
  readonly slug?: string;
  readonly remoteUser?: boolean;
  readonly upstream?: string;
}

export type Proxied = Awaited<ReturnType<typeof proxied>>;

/** Registers the application and starts the proxy. */
export async function proxied({ world, proxy, upstream, name = proxy, ...rules }: ProxiedOptions) {
  const { web, sql } = world;
  const listen = await freePort();
  const host = `${name}.localhost:${listen}`;
  const url = `http://${host}`;
  const application = await addApplication(sql, { ...rules, url });
  let running = await run(listen, web.url);

  async function run(at: number, holdfast: string, unlike: Unlike = {}): Promise<RunningProxy> {
    const folder = makeFolder();
    const { slug = application.slug, remoteUser = false, upstream: to = upstream } = unlike;
    const about = { name: 'The Wiki', slug, url, remoteUser };
    const recipe = writeRecipe(proxy, about, { listen: at, upstream: to, holdfast, folder });
    if (!recipe.ok) throw new Error(recipe.problem);
    return startProxy(proxy, { files: recipe.files, folder, port: at });
  }

  /** Behind another such proxy, whose recipe differs in this. */
  async function elsewhere(unlike: Unlike, path: string, headers: SentHeaders): Promise<WireAnswer> {
    const at = await freePort();
    const other = await run(at, web.url, unlike);
    return ask(`http://127.0.0.1:${at}${path}`, { host, ...headers }).finally(() => other.close());
  }

  const asked = (path: string, headers: SentHeaders = {}, method = 'GET', body?: string) =>
    ask(`http://127.0.0.1:${listen}${path}`, { host, ...headers }, method, body);

  /** A browser that is sent from a page to the log-in. */
  async function leave(path: string): Promise<WireAnswer> {
    await sql('DELETE FROM application_ticket'); // or the fifth time would be a loop
    const page = await asked(path, PAGE);
    expect([path, page.status, page.headers['set-cookie']]).toEqual([path, 302, undefined]);
    const start = new URL(page.headers.location ?? '');
    expect(start.host).toBe(host);
    return asked(start.pathname + start.search, PAGE);
  }

  /** From there on: somebody who is logged in at Holdfast, and back to the application. */
  async function follow({ browser }: Person, begun: WireAnswer) {
    await sql('DELETE FROM application_ticket');
    const login = new URL(begun.headers.location ?? '');
    const way = browser.agent.get(login.pathname + login.search).set('Sec-Fetch-Site', 'same-site');
    const back = new URL(String((await way.redirects(0)).headers['location']));
    expect(back.host).toBe(host);
    const entered = await asked(back.pathname + back.search, { ...PAGE, cookie: cookieIn(begun) });
    return { status: entered.status, cookie: cookieIn(entered), location: entered.headers.location };
  }

  return {
    host,
    url,
    application,
    listen,
    ask: asked,
    follow,

    /** What is sent to the proxy is exactly this text; the whole answer, or what the proxy sent before it hung up. */
    raw: (text: string, at = listen) => exchange(at, text),

    /** The whole way from a page to the log-in and back to it: the cookie of the application, and where the way ended. */
    enter: async (person: Person, path = '/') => follow(person, await leave(path)),

    async restart(): Promise<void> {
      await running.close();
      running = await run(listen, web.url);
    },

    /** What a page gets behind another such proxy, which finds Holdfast nowhere. */
    async alone(path: string, headers: SentHeaders): Promise<WireAnswer> {
      const [at, nothing] = [await freePort(), await freePort()];
      const other = await run(at, `http://127.0.0.1:${nothing}`);
      const itsHost = `${name}.localhost:${at}`;
      return ask(`http://127.0.0.1:${at}${path}`, { host: itsHost, ...headers }).finally(() => other.close());
    },

    /** The same behind another such proxy, whose recipe is of an application that gets Remote-User. */
    withRemoteUser: (path: string, headers: SentHeaders) => elsewhere({ remoteUser: true }, path, headers),

    /** The same, whose recipe names an application that is not registered. */
    misnamed: (path: string, headers: SentHeaders) => elsewhere({ slug: 'mistyped' }, path, headers),

    /** The same, which finds the application nowhere. */
    async withoutApplication(path: string, headers: SentHeaders): Promise<WireAnswer> {
      return elsewhere({ upstream: `http://127.0.0.1:${await freePort()}` }, path, headers);
    },

    close: () => running.close(),
  };
}

function exchange(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(text, 'latin1'));
    socket.setTimeout(10_000, () => socket.destroy(new Error(`no end after: ${said}`)));
    socket.on('data', (bytes) => {
      said += bytes.toString('latin1');
      if (isWhole(said)) socket.destroy();
    });
    socket.on('close', () => resolve(said)).on('error', reject);
  });
}

function isWhole(answer: string): boolean {
  const [head = '', ...rest] = answer.split('\r\n\r\n');
  if (rest.length === 0) return false;
  if (head.startsWith('HTTP/1.1 101 ')) return true;
  const length = /^content-length: *(\d+)/im.exec(head)?.[1];
  const body = rest.join('\r\n\r\n');
  return length === undefined ? body.endsWith('0\r\n\r\n') : body.length >= Number(length);
}
