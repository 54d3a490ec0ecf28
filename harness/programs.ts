// Other servers for tests, such as a pooler or a proxy: one on the PATH, or one fetched from the packages of this system.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { findProgram } from '../src/launcher/machine/files.ts';
import {
  canFetch,
  type FetchedProgram,
  fetchedProgram,
  fetchPackage,
  runs,
} from '../src/launcher/servers/system-packages.ts';

/** How a program tells its version, where that is another way than `--version`. */
const VERSION: Readonly<Record<string, string>> = {
  nginx: '-v',
  haproxy: '-v',
  rsyslogd: '-v',
  lighttpd: '-v',
  caddy: 'version',
  openssl: 'version',
  lynx: '-version',
  w3m: '-version',
};

const searchPath = `${process.env['PATH'] ?? ''}:/usr/sbin`;

/** The program of the package of the same name, or of `from`. Throws with what to install where there is none. */
export async function findServer(name: string, { from = name, names = [name] } = {}): Promise<FetchedProgram> {
  const installed = findProgram(names, searchPath);
  if (installed) return { file: installed, env: {} };
  const fetched = fetchedProgram(await fetchedFolder(from), names);
  if (!fetched || !runs(fetched, VERSION[name])) throw new Error(`The ${name} that was fetched does not run.`);
  return fetched;
}

/** PHP's package names its program by its version. */
export function findPhp(): Promise<FetchedProgram> {
  return findServer('php', {
    from: 'php-cli',
    names: ['php', ...['8.4', '8.3', '8.2'].map((version) => `php${version}`)],
  });
}

/** A Python that has the package `cryptography`. */
export async function findPython(): Promise<FetchedProgram> {
  const has = ({ file, env }: FetchedProgram) =>
    spawnSync(file, ['-c', 'import cryptography'], { env: { PATH: searchPath, ...env }, stdio: 'ignore' }).status === 0;
  const installed = ['python3', '/usr/bin/python3'].map((file) => ({ file, env: {} })).find(has);
  if (installed) return installed;
  const folder = await fetchedFolder('python3-cryptography');
  const { file, env } = fetchedProgram(folder, ['python3']) ?? { file: '/usr/bin/python3', env: {} };
  const fetched = { file, env: { ...env, PYTHONPATH: path.join(folder, 'usr/lib/python3/dist-packages') } };
  if (!has(fetched)) throw new Error('The Python that was fetched has no cryptography.');
  return fetched;
}

/** A program written in Python, of the package of the same name or of `from`: what to run, and with which arguments before its own. */
export async function findPythonProgram(
  name: string,
  { from = name } = {},
): Promise<FetchedProgram & { args: readonly string[] }> {
  const installed = findProgram([name], searchPath);
  if (installed) return { file: installed, args: [], env: {} };
  const [folder, python] = [await fetchedFolder(from), await findPython()];
  const program = fetchedProgram(folder, [name]);
  if (!program) throw new Error(`${name} is not in the package ${from}.`);
  const modules = [path.join(folder, 'usr/lib/python3/dist-packages'), python.env['PYTHONPATH']];
  return { ...python, args: [program.file], env: { ...python.env, PYTHONPATH: modules.filter(Boolean).join(':') } };
}

/** Where a package was fetched to, now or earlier. */
async function fetchedFolder(name: string): Promise<string> {
  const folder = path.resolve(`.data/servers/${name}-${process.platform}-${process.arch}`);
  if (existsSync(folder)) return folder;
  const install = `Install ${name} with the package manager of this system: a test needs it.`;
  if (!canFetch(searchPath)) throw new Error(install);
  await fetchPackage(folder, [name]).catch((error: unknown) => {
    throw new Error(`${name} can't be fetched. ${install}`, { cause: error });
  });
  return folder;
}
