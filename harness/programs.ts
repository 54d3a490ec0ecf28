// Other servers for tests, such as a pooler or a proxy: one on the PATH, or one fetched from the packages of this system.
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
  caddy: 'version',
  openssl: 'version',
  lynx: '-version',
  w3m: '-version',
};

/** The program of the package of the same name. Throws with what to install where there is none. */
export async function findServer(name: string): Promise<FetchedProgram> {
  const searchPath = `${process.env['PATH'] ?? ''}:/usr/sbin`;
  const installed = findProgram([name], searchPath);
  if (installed) return { file: installed, env: {} };
  const folder = path.resolve(`.data/servers/${name}-${process.platform}-${process.arch}`);
  const earlier = fetchedProgram(folder, [name]);
  if (earlier) return earlier;
  const install = `Install ${name} with the package manager of this system: a test needs it.`;
  if (!canFetch(searchPath)) throw new Error(install);
  await fetchPackage(folder, [name]).catch((error: unknown) => {
    throw new Error(`${name} can't be fetched. ${install}`, { cause: error });
  });
  const fetched = fetchedProgram(folder, [name]);
  if (!fetched || !runs(fetched, VERSION[name])) throw new Error(`The ${name} fetched into ${folder} does not run.`);
  return fetched;
}
