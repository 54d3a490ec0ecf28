// `applications recipe`: the configuration of a proxy in front of an application, filled in.
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Command, Option } from 'commander';
import {
  PROXIES,
  type ProxyName,
  type RecipeFile,
  type RecipeProblem,
  writeRecipe,
} from '../core/forward-auth/recipes.ts';
import { withContext } from './connect.ts';
import { UsageError } from './terminal/errors.ts';

interface RecipeArguments {
  readonly proxy: ProxyName;
  readonly listen: string;
  readonly upstream: string;
  readonly holdfast: string;
  readonly output?: string;
}

const PROBLEMS: Readonly<Record<RecipeProblem, string>> = {
  listen: '--listen takes a port, such as 8443.',
  upstream: '--upstream takes where the application is, such as http://127.0.0.1:8000, without a path.',
  holdfast: '--holdfast takes where the web processes are, such as http://127.0.0.1:3000, without a path.',
};

export function recipeCommand(): Command {
  return new Command('recipe')
    .description('Print what a proxy needs to stand in front of an application')
    .argument('<slug>', 'of the application')
    .addOption(new Option('--proxy <proxy>', 'the proxy').choices(PROXIES).makeOptionMandatory())
    .requiredOption('--listen <port>', 'on which the proxy listens')
    .requiredOption('--upstream <url>', 'where the application is, as the proxy reaches it')
    .requiredOption('--holdfast <url>', 'where the web processes are, as the proxy reaches them')
    .option('--output <folder>', 'write the files into this folder; HAProxy has two')
    .action(recipe);
}

async function recipe(slug: string, { proxy, listen, upstream, holdfast, output }: RecipeArguments): Promise<void> {
  const application = await withContext(({ applications }) => applications.findBySlug(slug));
  if (!application) throw new Error(`There is no application ${slug}.`);
  const folder = path.resolve(output ?? '.');
  const result = writeRecipe(proxy, application, { listen: Number(listen), upstream, holdfast, folder });
  if (!result.ok) throw new UsageError(PROBLEMS[result.problem]);
  if (output === undefined) print(result.files);
  else await write(folder, result.files);
}

/** Of several files the one that the proxy is started with. */
function print([first, ...others]: readonly RecipeFile[]): void {
  process.stdout.write(first?.text ?? '');
  if (others.length > 0) {
    const names = others.map(({ name }) => name).join(', ');
    process.stderr.write(`It needs ${names} beside it: --output FOLDER writes both.\n`);
  }
}

async function write(folder: string, files: readonly RecipeFile[]): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const { name, text } of files) {
    const file = path.join(folder, name);
    await writeFile(file, text);
    process.stdout.write(`${file}\n`);
  }
}
