// Syslog servers as people run them, out of the system's packages: rsyslog and syslog-ng, over TCP or TLS. Each writes what it
// took into a file, a message a line.
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readIfThere, tail } from '../src/launcher/machine/files.ts';
import { freePort } from '../src/launcher/machine/ports.ts';
import { type Child, endChild } from '../src/launcher/machine/process.ts';
import { spawnLogged } from '../src/launcher/servers/start-server.ts';
import type { FetchedProgram } from '../src/launcher/servers/system-packages.ts';
import { type Certificate, makeCertificate } from './certificate.ts';
import { findServer } from './programs.ts';
import { listens } from './proxies.ts';
import { until } from './until.ts';

export type SyslogProgram = 'rsyslog' | 'syslog-ng';

export interface SyslogServer {
  readonly port: number;
  /** The certificate that it shows, in PEM. */
  readonly caFile: string;
  /** `facility severity host app-name msgid time message`, as it understood each. */
  lines(): string[];
  stop(): Promise<void>;
  startAgain(): Promise<void>;
  close(): Promise<void>;
}

interface Setup {
  readonly folder: string;
  readonly port: number;
  /** Null: plain TCP. */
  readonly tls: Certificate | null;
}

export async function startSyslog(program: SyslogProgram, { tls = false } = {}): Promise<SyslogServer> {
  const folder = mkdtempSync(path.join(tmpdir(), 'holdfast-syslog-'));
  const port = await freePort();
  const certificate = await makeCertificate(folder, ['localhost']);
  const setup = { folder, port, tls: tls ? certificate : null };
  const found = program === 'rsyslog' ? await findRsyslog() : await findServer('syslog-ng', { from: 'syslog-ng-core' });
  const args = program === 'rsyslog' ? rsyslog(setup, found) : syslogNg(setup, found);
  const log = path.join(folder, 'log');
  let child: Child;

  async function start(): Promise<void> {
    child = spawnLogged(found.file, args, log, {
      deathSignal: 'SIGKILL',
      env: { PATH: '/usr/bin:/bin', ...found.env },
    });
    await until(() => listens(port)).catch(() => {
      throw new Error(`${program} does not start:\n${tail(log)}`);
    });
  }

  const stop = () =>
    endChild(child, [
      ['SIGTERM', 5_000],
      ['SIGKILL', 5_000],
    ]);
  const close = async () => {
    await stop();
    rmSync(folder, { recursive: true, force: true });
  };
  await start().catch(async (error: unknown) => {
    await close();
    throw error;
  });
  return {
    port,
    caFile: certificate.certificate,
    lines: () => (readIfThere(path.join(folder, 'taken')) ?? '').split('\n').slice(0, -1),
    stop,
    startAgain: start,
    close,
  };
}

/** With its module for TLS, which is a package of its own. */
function findRsyslog(): Promise<FetchedProgram> {
  return findServer('rsyslogd', { from: 'rsyslog-gnutls' });
}

/** Where a fetched program has its modules; an installed one knows. */
function modules({ file }: FetchedProgram, below: string): string | null {
  const lib = path.join(path.dirname(path.dirname(file)), 'lib');
  // Debian's lie below the name of the machine, beside a folder of the same name with something else.
  const places = [...(existsSync(lib) ? readdirSync(lib).map((name) => path.join(lib, name)) : []), lib];
  return places.map((place) => path.join(place, below)).find(existsSync) ?? null;
}

function rsyslog({ folder, port, tls }: Setup, program: FetchedProgram): string[] {
  const driver = tls
    ? ` defaultNetstreamDriver="gtls" defaultNetstreamDriverCAFile="${tls.certificate}" defaultNetstreamDriverCertFile="${tls.certificate}" defaultNetstreamDriverKeyFile="${tls.key}"`
    : '';
  const stream = tls ? ' streamDriver.name="gtls" streamDriver.mode="1" streamDriver.authMode="anon"' : '';
  const settings = path.join(folder, 'rsyslog.conf');
  const line =
    '%syslogfacility-text% %syslogseverity-text% %hostname% %app-name% %msgid% %timestamp:::date-rfc3339% %msg%\\n';
  writeFileSync(
    settings,
    `global(workDirectory="${folder}" maxMessageSize="64k"${driver})
module(load="imtcp"${stream})
template(name="line" type="string" string="${line}")
ruleset(name="keep") { action(type="omfile" file="${folder}/taken" template="line") }
input(type="imtcp" port="${port}" address="127.0.0.1" ruleset="keep")
`,
  );
  const from = modules(program, 'rsyslog');
  return ['-n', '-f', settings, '-i', path.join(folder, 'pid'), ...(from === null ? [] : ['-M', from])];
}

function syslogNg({ folder, port, tls }: Setup, program: FetchedProgram): string[] {
  const transport = tls
    ? `transport("tls") tls(key-file("${tls.key}") cert-file("${tls.certificate}") peer-verify(optional-untrusted))`
    : 'transport("tcp")';
  const settings = path.join(folder, 'syslog-ng.conf');
  writeFileSync(
    settings,
    `@version: current
options { keep-hostname(yes); use-dns(no); log-msg-size(65536); };
source taken { syslog(ip("127.0.0.1") port(${port}) ${transport}); };
destination kept { file("${folder}/taken" template("$FACILITY $LEVEL $HOST $PROGRAM $MSGID $ISODATE $MSG\\n")); };
log { source(taken); destination(kept); flags(flow-control); };
`,
  );
  const at = (name: string) => path.join(folder, name);
  const own = ['-R', at('persist'), '-p', at('pid'), '-c', at('control')];
  const versioned = modules(program, 'syslog-ng');
  const from = versioned && readdirSync(versioned).find((name) => /^\d/.test(name));
  return ['-F', '--no-caps', '-f', settings, ...own, ...(from ? ['--module-path', path.join(versioned, from)] : [])];
}
