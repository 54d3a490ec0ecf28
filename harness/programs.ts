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

/** The program of the package of the same name. Throws where there is none. */
export async function findServer(name: string): Promise<FetchedProgram> {
  const searchPath = `${process.env['PATH'] ?? ''}:/usr/sbin`;
  const installed = findProgram([name], searchPath);
  if (installed) return { file: installed, env: {} };
  const folder = path.resolve(`.data/servers/${name}-${process.platform}-${process.arch}`);
  const earlier = fetchedProgram(folder, [name]);
  if (earlier) return earlier;
  if (!canFetch(searchPath)) throw new Error(`Install ${name}: a test needs it.`);
  await fetchPackage(folder, [name]);
  const fetched = fetchedProgram(folder, [name]);
  if (!fetched || !runs(fetched)) throw new Error(`The ${name} fetched into ${folder} does not run.`);
  return fetched;
}
