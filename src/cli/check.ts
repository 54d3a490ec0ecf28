// `check`: whether the settings in the environment can be used, without starting anything.
import { accessSync, constants, existsSync, statSync } from 'node:fs';
import path from 'node:path';
import { Argument, Command } from 'commander';
import { readSecretFiles } from '../secret-files.ts';
import { ProblemList } from './terminal/errors.ts';
import { say } from './terminal/output.ts';

type Environment = Readonly<Record<string, string | undefined>>;
type Program = 'up' | 'start' | 'web' | 'worker';

/** What `up` makes up where the environment leaves it out; none of it is used. */
const MADE_UP = {
  DATABASE_URL: 'postgresql://localhost/holdfast',
  REDIS_URL: 'redis://localhost',
  PUBLIC_URL: 'http://localhost',
  SESSION_KEYS: 'x'.repeat(32),
  SECRETS_KEYS: 'x'.repeat(32),
};

export function checkCommand(): Command {
  return new Command('check')
    .description('List every problem of the settings in the environment, for the program that is to start with them')
    .addArgument(new Argument('<program>', 'what is to start').choices(['up', 'start', 'web', 'worker']))
    .action(async (program: Program) => {
      const problems = once(await problemsOf(program, process.env));
      if (problems.length > 0)
        throw new ProblemList(`The configuration can't be used:\n  - ${problems.join('\n  - ')}`);
      say('The configuration can be used.');
      const { IMPORT_VERIFY_URL: url } = process.env;
      if (url && program !== 'worker')
        say(`IMPORT_VERIFY_URL: ${new URL(url).host} gets the passwords of people unknown here.`);
    });
}

/** A list for each that reads them. */
async function problemsOf(program: Program, env: Environment): Promise<readonly string[][]> {
  const [{ configProblems }, { readSupervisorSettings }, { readLauncherSettings }, { loginRoleProblems }] =
    await Promise.all([
      import('../core/config.ts'),
      import('../supervisor/settings.ts'),
      import('../launcher/settings.ts'),
      import('../core/platform/migrations/login-roles.ts'),
    ]);
  const worker = (given: Environment) => configProblems(given, { signs: false });
  if (program === 'web') return [configProblems(env)];
  if (program === 'worker') return [worker(env), fileProblems(env), await drainProblems(env)];
  const supervisor = readSupervisorSettings(env, '').problems;
  if (program === 'start') return [configProblems(env), supervisor];
  const { env: read, problems } = readSecretFiles(env);
  const complete = { ...MADE_UP, ...Object.fromEntries(Object.entries(read).filter(([, value]) => value)) };
  const rest = [loginRoleProblems(read), supervisor, readLauncherSettings(read).problems];
  return [
    [...problems],
    configProblems(complete),
    worker(complete),
    ...rest,
    fileProblems(read),
    await drainProblems(read),
  ];
}

/** The worker would meet them minutes later. */
function fileProblems({ AUDIT_CHECKPOINT_FILE: file }: Environment): string[] {
  if (!file) return [];
  try {
    accessSync(existsSync(file) ? file : path.dirname(path.resolve(file)), constants.W_OK);
    return statSync(path.dirname(path.resolve(file))).isDirectory()
      ? []
      : [`AUDIT_CHECKPOINT_FILE: ${file} lies in no folder`];
  } catch (error) {
    return [`AUDIT_CHECKPOINT_FILE: ${file} can't be written by this user (${(error as NodeJS.ErrnoException).code})`];
  }
}

async function drainProblems({ AUDIT_DRAINS_FILE: file }: Environment): Promise<string[]> {
  if (!file) return [];
  const { readDrainFile } = await import('../core/shipping/drain-file.ts');
  return readDrainFile(file).problems.map((problem) => `AUDIT_DRAINS_FILE: ${problem}`);
}

/** Of what several say of one variable, what the first says. */
function once(lists: readonly string[][]): string[] {
  const variableOf = (problem: string) => problem.split(':', 1)[0];
  const all: string[] = [];
  for (const list of lists) {
    const named = new Set(all.map(variableOf));
    all.push(...list.filter((problem) => !named.has(variableOf(problem))));
  }
  return all;
}
