// Applications in three manners, each of which answers with what it knows of a request: by CGI (under lighttpd), by WSGI (Python's own
// server), and in Node. The first two turn names of headers into names of variables, in which `-` and `_` are one.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { findPython, findServer } from '../../harness/programs.ts';
import { until } from '../../harness/until.ts';
import { tail } from '../../src/launcher/machine/files.ts';
import { freePort } from '../../src/launcher/machine/ports.ts';
import { endChild } from '../../src/launcher/machine/process.ts';
import { spawnLogged } from '../../src/launcher/servers/start-server.ts';

export type Manner = 'CGI' | 'WSGI' | 'Node';

export interface Gateway {
  readonly url: string;
  /** The path at which it answers. */
  readonly path: string;
  close(): Promise<void>;
}

/** Its answers are JSON: variables by their names, such as `HTTP_HOST`; in Node headers by theirs, such as `host`. */
export function startGateway(manner: Manner): Promise<Gateway> {
  if (manner === 'Node') return startNode();
  return manner === 'CGI' ? startCgi() : startWsgi();
}

async function startNode(): Promise<Gateway> {
  const server = createServer({ maxHeaderSize: 65_536 }, (request, response) => {
    request.resume().on('end', () => response.end(JSON.stringify(request.headers)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    path: '/',
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const CGI = `process.stdout.write('Content-Type: application/json\\r\\n\\r\\n' + JSON.stringify(process.env));`;

async function startCgi(): Promise<Gateway> {
  const { file, env } = await findServer('lighttpd');
  const modules = env['LD_LIBRARY_PATH']?.split(':').find((folder) => folder.endsWith('/lighttpd'));
  return startProgram('/who.mjs', (folder, port) => {
    writeFileSync(path.join(folder, 'who.mjs'), CGI);
    const lines = [
      `server.bind = "127.0.0.1"`,
      `server.port = ${port}`,
      `server.document-root = "${folder}"`,
      `server.modules = ("mod_cgi")`,
      `cgi.assign = (".mjs" => "${process.execPath}")`,
    ];
    writeFileSync(path.join(folder, 'lighttpd.conf'), `${lines.join('\n')}\n`);
    const where = modules === undefined ? [] : ['-m', modules];
    return { file, env, args: ['-D', ...where, '-f', path.join(folder, 'lighttpd.conf')] };
  });
}

const WSGI = `
import json, sys
from wsgiref.simple_server import make_server
def who(environ, start_response):
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps({name: value for name, value in environ.items() if isinstance(value, str)}).encode()]
make_server("127.0.0.1", int(sys.argv[1]), who).serve_forever()
`;

async function startWsgi(): Promise<Gateway> {
  const { file, env } = await findPython();
  return startProgram('/', (_, port) => ({ file, env, args: ['-c', WSGI, String(port)] }));
}

interface Command {
  readonly file: string;
  readonly args: string[];
  readonly env: Record<string, string>;
}

async function startProgram(at: string, command: (folder: string, port: number) => Command): Promise<Gateway> {
  const folder = mkdtempSync(path.join(tmpdir(), 'holdfast-gateway-'));
  const port = await freePort();
  const { file, args, env } = command(folder, port);
  const log = path.join(folder, 'log');
  const child = spawnLogged(file, args, log, {
    deathSignal: 'SIGKILL',
    env: { PATH: process.env['PATH'] ?? '', ...env },
  });
  const close = async () => {
    await endChild(child, [['SIGKILL', 5_000]]);
    rmSync(folder, { recursive: true, force: true });
  };
  await until(() => listens(port)).catch(async () => {
    const said = tail(log);
    await close();
    throw new Error(`${file} does not start:\n${said}`);
  });
  return { url: `http://127.0.0.1:${port}`, path: at, close };
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('error', () => resolve(false));
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });
}
