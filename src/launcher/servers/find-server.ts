// The program of a server: one on the PATH, one fetched earlier, or one fetched now.
import path from 'node:path';
import { findProgram } from '../machine/files.ts';
import { canFetch, type FetchedProgram, fetchedProgram, fetchPackage, runs } from './system-packages.ts';

export interface WantedServer {
  /** As people call it. */
  name: string;
  /** Any of these will do, also as the folder and the program of a fetched package. */
  programs: readonly string[];
  packages: readonly string[];
  /** How it tells its version. */
  asked: string;
  /** Of what is fetched. */
  size: string;
  /** By package manager, what to type. */
  install: readonly (readonly [string, string])[];
  /** What to do instead of an installation. */
  otherwise: string;
}

export interface Place {
  serversDir: string;
  searchPath: string;
  log?: ((message: string) => void) | undefined;
}

/** Finds or fetches a server. Throws with what to type where it can't be fetched without root. */
export async function findServer(
  wanted: WantedServer,
  { serversDir, searchPath, log }: Place,
): Promise<FetchedProgram> {
  const { name, programs, packages, asked, size } = wanted;
  const file = findProgram([...programs], searchPath);
  const installed = file && { file, env: {} };
  if (installed && runs(installed, asked)) return installed;
  const folder = path.join(serversDir, `${name.toLowerCase()}-${process.platform}-${process.arch}`);
  const earlier = fetchedProgram(folder, programs);
  if (earlier && runs(earlier, asked)) return earlier;
  if (!canFetch(searchPath)) throw new Error(howToInstall(wanted, searchPath));
  log?.(`fetching ${name} from the packages of this system (once, about ${size})`);
  await fetchPackage(folder, packages).catch((error: unknown) => {
    const why = error instanceof Error ? error.message : String(error);
    const [, apt] = wanted.install.find(([manager]) => manager === 'apt-get') ?? [];
    throw new Error(
      `${name} can't be fetched with apt-get: ${why}\nIs there a network? Otherwise install it: ${apt?.replace('sudo ', '')}`,
    );
  });
  const fetched = fetchedProgram(folder, programs);
  if (fetched && runs(fetched, asked)) return fetched;
  throw new Error(`The ${name} fetched into ${folder} does not run. ${howToInstall(wanted, searchPath)}`);
}

function howToInstall({ name, programs, install, otherwise }: WantedServer, searchPath: string): string {
  const way = install.find(([manager]) => findProgram([manager], searchPath))?.[1];
  const how = way
    ? `Install it:  ${way}\n`
    : `Install ${programs.join(' or ')} with the package manager of this system, `;
  return `${name} is needed and not on the PATH. ${how}${otherwise}`;
}
