// The Redis server program: one on the PATH, one fetched earlier, or one fetched now from Debian's packages into a folder
// of the project, without root and without changing the system. Hides apt's lists, caches and library paths.

import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { findProgram } from '../machine/files.ts';

export interface RedisBinary {
  file: string;
  /** What the dynamic linker needs to find the libraries fetched along with it. */
  env: Record<string, string>;
}

/** Finds or fetches a server. Throws with what to type where it can't be fetched without root. */
export async function findRedis(
  serversDir: string,
  searchPath: string,
  log?: (message: string) => void,
): Promise<RedisBinary> {
  const installed = findProgram(['redis-server', 'valkey-server'], searchPath);
  if (installed && runs({ file: installed, env: {} })) return { file: installed, env: {} };
  const folder = path.join(serversDir, `redis-${process.platform}-${process.arch}`);
  const earlier = fetchedBinary(folder);
  if (earlier && runs(earlier)) return earlier;
  if (!findProgram(['apt-get'], searchPath) || !findProgram(['dpkg-deb'], searchPath))
    throw new Error(howToInstall(searchPath));
  log?.('fetching Redis from the packages of this system (once, about 10 MB)');
  await fetchWithApt(folder);
  const fetched = fetchedBinary(folder);
  if (!fetched || !runs(fetched))
    throw new Error(`The Redis fetched into ${folder} does not run. ${howToInstall(searchPath)}`);
  return fetched;
}

function fetchedBinary(folder: string): RedisBinary | undefined {
  const file = ['redis-server', 'valkey-server'].map((name) => path.join(folder, 'usr/bin', name)).find(existsSync);
  if (!file) return undefined;
  const libraries = ['usr/lib', 'lib'].flatMap((lib) => foldersWithin(path.join(folder, lib)));
  return { file, env: { LD_LIBRARY_PATH: libraries.join(':') } };
}

/** The folder itself and those directly in it, such as Debian's `x86_64-linux-gnu`. */
function foldersWithin(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const inner = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return [folder, ...inner.map((entry) => path.join(folder, entry.name))];
}

function runs({ file, env }: RedisBinary): boolean {
  return spawnSync(file, ['--version'], { env: { PATH: '/usr/bin:/bin', ...env }, stdio: 'ignore' }).status === 0;
}

/** Works in a draft folder and renames at the end, so that an interrupted or a second fetch does no harm. */
async function fetchWithApt(folder: string): Promise<void> {
  const draft = `${folder}.${process.pid}`;
  const at = (name: string) => path.join(draft, name);
  try {
    for (const dir of ['lists/partial', 'cache/archives/partial', 'packages', 'root'])
      mkdirSync(at(dir), { recursive: true });
    const own = [
      `Dir::State::Lists=${at('lists')}`,
      `Dir::Cache=${at('cache')}`,
      'Debug::NoLocking=1',
      'Acquire::Languages=none',
    ];
    // Run by root, apt would switch to the user _apt, who may not reach a project folder.
    const apt = [
      'apt-get',
      ...[...own, 'APT::Sandbox::User=root', 'Acquire::Retries=2'].flatMap((option) => ['-o', option]),
      '-q',
    ];
    await run([...apt, 'update'], draft);
    const plan = await planInstall(apt, draft);
    await run([...apt, 'download', ...plan], at('packages'));
    for (const file of readdirSync(at('packages')))
      await run(['dpkg-deb', '-x', path.join(at('packages'), file), at('root')], draft);
    rmSync(folder, { recursive: true, force: true });
    renameSync(at('root'), folder);
  } catch (error) {
    if (fetchedBinary(folder)) return; // another start was quicker
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(
      `Redis can't be fetched with apt-get: ${why}\nIs there a network? Otherwise install it: apt-get install redis-server`,
    );
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

/** The server and what it needs that this system does not have. */
async function planInstall(apt: string[], cwd: string): Promise<string[]> {
  for (const name of ['redis-server', 'valkey-server']) {
    const simulated = await run([...apt, '-s', '--no-install-recommends', 'install', name], cwd).catch(() => '');
    const names = [...simulated.matchAll(/^Inst (\S+)/gm)].map((match) => match[1] as string);
    if (names.length > 0) return names;
  }
  throw new Error('neither redis-server nor valkey-server is among the packages of this system');
}

/** Returns what the command printed; throws with the last of it on failure. */
function run([command = '', ...args]: string[], cwd: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    const output = { out: '', error: '' };
    child.stdout.on('data', (chunk) => {
      output.out += chunk;
    });
    child.stderr.on('data', (chunk) => {
      output.error += chunk;
    });
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve(output.out);
      else
        reject(
          new Error(
            `${command} ${args.at(-1)}: ${output.error.trim().split('\n').slice(-3).join(' ') || `exit ${code}`}`,
          ),
        );
    });
  });
}

function howToInstall(searchPath: string): string {
  const ways: [string, string][] = [
    ['apt-get', 'sudo apt-get install redis-server'],
    ['apk', 'apk add redis'],
    ['dnf', 'sudo dnf install valkey'],
    ['pacman', 'sudo pacman -S valkey'],
    ['zypper', 'sudo zypper install redis'],
    ['brew', 'brew install redis'],
  ];
  const way = ways.find(([manager]) => findProgram([manager], searchPath))?.[1];
  const install = way
    ? `Install it:  ${way}\n`
    : 'Install redis-server or valkey-server with the package manager of this system, ';
  return `Redis is needed and not on the PATH. ${install}or give a server of your own:  REDIS_URL=redis://:password@host:6379/0`;
}
