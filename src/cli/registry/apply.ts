// `applications apply FILE`: shows what is different from the file, asks, and makes all of it so, or nothing.
import { readFile } from 'node:fs/promises';
import { text as readAll } from 'node:stream/consumers';
import type { RegistryChange } from '../../core/applications/registry/wanted.ts';
import { showChange } from './show-change.ts';
import {
  type AsJson,
  type Confirmed,
  callerFor,
  confirm,
  printable,
  say,
  sayJson,
  type Why,
  withContext,
} from './terminal.ts';

type How = Why & Confirmed & AsJson & { readonly prune: boolean };

export async function applyFile(file: string, { prune, yes, json, ...why }: How): Promise<void> {
  const { readRegistryFile } = await import('./read-file.ts');
  const name = file === '-' ? 'standard input' : file;
  const { wanted, located } = readRegistryFile(
    name,
    file === '-' ? await readAll(process.stdin) : await readText(file),
  );
  await withContext(async ({ registry }) => {
    const planned = await registry.plan(wanted, { prune });
    if (!planned.ok) throw new Error(planned.problems.map(located).join('\n'));
    const { changes } = planned.plan;
    if (changes.length === 0) return json ? sayJson(answer([])) : say('Nothing is different.');
    if (!json) for (const line of linesOf(changes)) say(line);
    else if (!yes) for (const line of linesOf(changes)) process.stderr.write(`${line}\n`);
    const caller = await callerFor(why);
    await confirm(
      { yes },
      `This makes ${counted(changes.length)}, and ends the sessions that they no longer allow.`,
      'apply',
    );
    const result = await registry.apply(planned.plan, caller);
    if (!result.ok) throw new Error(result.says);
    return json ? sayJson(answer(changes)) : say(`Applied ${counted(changes.length)}.`);
  });
}

async function readText(file: string): Promise<string> {
  return readFile(file, 'utf8').catch(({ code, message }: NodeJS.ErrnoException) => {
    throw new Error(code === 'ENOENT' ? `There is no file ${file}.` : `${file} can't be read: ${message}.`);
  });
}

function linesOf(changes: readonly RegistryChange[]): string[] {
  return changes.map((change) => printable(showChange(change)));
}

/** Secrets are made for OpenID Connect alone. */
function answer(changes: readonly RegistryChange[]) {
  return { changes, secrets: {} };
}

function counted(count: number): string {
  return `${count} ${count === 1 ? 'change' : 'changes'}`;
}
