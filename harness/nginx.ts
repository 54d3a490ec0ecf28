// An nginx in front of a Holdfast, with TLS: the usual lines of a proxy, and what a test adds to them.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readIfThere, tail } from '../src/launcher/machine/files.ts';
import { endChild } from '../src/launcher/machine/process.ts';
import { spawnLogged } from '../src/launcher/servers/start-server.ts';
import { type Certificate, makeCertificate } from './certificate.ts';
import { findServer } from './programs.ts';
import { until } from './until.ts';

export interface NginxOptions {
  /** Where it listens, under TLS, as `localhost` or by the names of the certificate. */
  readonly port: number;
  readonly certificate?: Certificate;
  /** The Holdfast behind it. */
  readonly upstream: string;
  /** More lines of `http`, and of its one `location`. */
  readonly http?: string;
  readonly location?: string;
  /** What it writes of each request, in the words of `log_format`. */
  readonly logs?: string;
}

export interface Nginx {
  /** The lines that it has written of requests. */
  requests(): string[];
  close(): Promise<void>;
}

/** Resolves when it listens. */
export async function startNginx(options: NginxOptions): Promise<Nginx> {
  const nginx = await findServer('nginx');
  const folder = mkdtempSync(path.join(tmpdir(), 'holdfast-nginx-'));
  const at = (name: string) => path.join(folder, name);
  const certificate = options.certificate ?? (await makeCertificate(folder, ['localhost']));
  writeFileSync(at('nginx.conf'), configuration(options, certificate, at));
  const child = spawnLogged(
    nginx.file,
    ['-p', folder, '-e', at('error.log'), '-c', at('nginx.conf')],
    at('error.log'),
    {
      deathSignal: 'SIGKILL',
      env: { PATH: '/usr/bin:/bin', ...nginx.env },
    },
  );
  const close = async () => {
    await endChild(child, [['SIGKILL', 5_000]]);
    rmSync(folder, { recursive: true, force: true });
  };
  await until(() => listens(options.port)).catch(async () => {
    const said = tail(at('error.log'));
    await close();
    throw new Error(`nginx does not start:\n${said}`);
  });
  return { requests: () => (readIfThere(at('access.log')) ?? '').split('\n').filter(Boolean), close };
}

/** One process that stays who we are: run by root, its workers would become somebody who may not read the folder. */
function configuration(
  { port, upstream, http = '', location = '', logs = '$request $status' }: NginxOptions,
  { certificate, key }: Certificate,
  at: (name: string) => string,
): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return `
daemon off;
master_process off;
pid ${at('nginx.pid')};
events {}
http {
  ${temporary.map((name) => `${name}_temp_path ${at(name)};`).join(' ')}
  log_format asked '${logs}';
  access_log ${at('access.log')} asked;
  ${http}
  server {
    listen 127.0.0.1:${port} ssl;
    ssl_certificate ${certificate};
    ssl_certificate_key ${key};
    location / {
      proxy_pass ${upstream};
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
      ${location}
    }
  }
}
`;
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
