// Programs out of Debian's packages, fetched into a folder without root and without changing the system. Hides apt's lists,
// caches and library paths.

import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { findProgram } from '../machine/files.ts';

export interface FetchedProgram {
  file: string;
  /** What the dynamic linker needs to find the libraries fetched along with it. */
  env: Record<string, string>;
}

export function canFetch(searchPath: string): boolean {
  return ['apt-get', 'dpkg-deb'].every((name) => findProgram([name], searchPath) !== undefined);
}

/** The first of these programs that a fetch has left in the folder. */
export function fetchedProgram(folder: string, names: readonly string[]): FetchedProgram | undefined {
  const places = ['usr/bin', 'usr/sbin'].flatMap((bin) => names.map((name) => path.join(folder, bin, name)));
  const file = places.find(existsSync);
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

export function runs({ file, env }: FetchedProgram, asked = '--version'): boolean {
  return spawnSync(file, [asked], { env: { PATH: '/usr/bin:/bin', ...env }, stdio: 'ignore' }).status === 0;
}

/**
 * Fetches the first of these packages that this system has, with what it needs. Works in a draft folder and renames at the
 * end, so that an interrupted or a second fetch does no harm.
 */
export async function fetchPackage(folder: string, names: readonly string[]): Promise<void> {
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
    const plan = await planInstall(apt, names, draft);
    await run([...apt, 'download', ...plan], at('packages'));
    for (const file of readdirSync(at('packages')))
      await run(['dpkg-deb', '-x', path.join(at('packages'), file), at('root')], draft);
    rmSync(folder, { recursive: true, force: true });
    renameSync(at('root'), folder);
  } catch (error) {
    if (!fetchedProgram(folder, names)) throw error; // else another start was quicker
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

/** The program and what it needs that this system does not have. */
async function planInstall(apt: string[], candidates: readonly string[], cwd: string): Promise<string[]> {
  for (const name of candidates) {
    const simulated = await run([...apt, '-s', '--no-install-recommends', 'install', name], cwd).catch(() => '');
    const names = [...simulated.matchAll(/^Inst (\S+)/gm)].map((match) => match[1] as string);
    if (names.length > 0) return names;
  }
  throw new Error(`${candidates.join(' or ')} is not among the packages of this system`);
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
