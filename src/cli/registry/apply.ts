// `applications apply FILE`: shows what is different from the file, asks, and makes all of it so, or nothing.
import { readFile } from 'node:fs/promises';
import { text as readAll } from 'node:stream/consumers';
import type { RegistryChange } from '../../core/applications/registry/wanted.ts';
import { withContext } from '../connect.ts';
import { type Confirmed, confirm } from '../terminal/ask.ts';
import { callerFor, type Why } from '../terminal/caller.ts';
import { ProblemList } from '../terminal/errors.ts';
import type { AsJson } from '../terminal/list.ts';
import { say, sayJson } from '../terminal/output.ts';
import { counted, printable } from '../terminal/print.ts';
import { showChange } from './show-change.ts';

type How = Why & Confirmed & AsJson & { readonly prune: boolean };

export async function applyFile(file: string, { prune, yes, json, ...why }: How): Promise<void> {
  const { readRegistryFile } = await import('./read-file.ts');
  const name = file === '-' ? 'standard input' : file;
  const { wanted, located } = readRegistryFile(
    name,
    file === '-' ? await readAll(process.stdin) : await readFile(file, 'utf8'),
  );
  await withContext(async ({ registry }) => {
    const planned = await registry.plan(wanted, { prune });
    if (!planned.ok) throw new ProblemList(planned.problems.map(located).join('\n'));
    const { changes } = planned.plan;
    if (changes.length === 0) return json ? sayJson(answer([])) : say('Nothing is different.');
    if (!json) for (const line of linesOf(changes)) say(line);
    else if (!yes) for (const line of linesOf(changes)) process.stderr.write(`${line}\n`);
    const caller = await callerFor(why);
    await confirm(
      { yes },
      `This makes ${counted(changes.length, 'change')}, and ends the sessions that they no longer allow.`,
      'apply',
    );
    const result = await registry.apply(planned.plan, caller);
    if (!result.ok) throw new Error(result.says);
    return json ? sayJson(answer(changes)) : say(`Applied ${counted(changes.length, 'change')}.`);
  });
}

function linesOf(changes: readonly RegistryChange[]): string[] {
  return changes.map((change) => printable(showChange(change)));
}

/** Secrets are made for OpenID Connect alone. */
function answer(changes: readonly RegistryChange[]) {
  return { changes, secrets: {} };
}
