// What went wrong, in a sentence: nobody who runs a command is shown a stack.

/** A command that was given wrongly: it exits with 2. */
export class UsageError extends Error {}

/** Problems, a line each, shown whole. */
export class ProblemList extends Error {}

type Failure = Error & { readonly code?: unknown; readonly path?: unknown };

/** Of the system about a file; the first that fits. */
const FILES: Readonly<Record<string, string>> = {
  ENOENT: 'is not there',
  EEXIST: 'is there already; give another name, or remove it',
  EACCES: "can't be used by this user",
  EPERM: "can't be used by this user",
  EROFS: 'is on a disk that takes no writes',
  EISDIR: 'is a folder',
  ENOTDIR: 'lies in something that is no folder',
  ENAMETOOLONG: 'is too long for a name',
  ELOOP: 'is a link that leads to itself',
};

const DISK: Readonly<Record<string, string>> = {
  ENOSPC: 'The disk is full.',
  EDQUOT: 'The disk quota is used up.',
  EFBIG: 'The file has become too large.',
  EIO: 'The disk reports an error.',
};

/** SQLSTATE. */
const DATABASE: Readonly<Record<string, string>> = {
  '42P01': 'The database has not all the tables that this version needs. Run the command migrate.',
  '42703': 'The database has not all the columns that this version needs. Run the command migrate.',
  P2021: 'The database has not all the tables that this version needs. Run the command migrate.',
  P2022: 'The database has not all the columns that this version needs. Run the command migrate.',
  '42501': 'The database role of this command may not do that. Its owner may: give the DATABASE_URL of the schema.',
  '28P01': 'PostgreSQL refuses the name or the password in DATABASE_URL.',
  '28000': 'PostgreSQL lets nobody of this name in.',
  '3D000': 'PostgreSQL has no database of the name in DATABASE_URL.',
  '57014': 'PostgreSQL took too long for this.',
  '40P01': 'Somebody else changed the same at that moment, and PostgreSQL let them go first. Run the command again.',
  '40001': 'Somebody else changed the same at that moment, and PostgreSQL let them go first. Run the command again.',
};

/** Never with a secret; a configuration's problems are a list. */
export async function sentenceOf(error: unknown): Promise<string> {
  if (!(error instanceof Error)) return String(error);
  const { code, path } = error as Failure;
  const name = String(code);
  if (typeof path === 'string' && FILES[name]) return `${path || 'The empty name'} ${FILES[name]}.`;
  if (DISK[name]) return DISK[name];
  if (isOurs(error)) return error.message;
  const causes = causesOf(error);
  for (const state of causes.flatMap(({ code, originalCode }) => [code, originalCode].map(String)))
    if (DATABASE[state]) return DATABASE[state];
  const standby = causes.find(({ code }) => code === 'StandbyError');
  if (standby) return `${lastLineOf(standby)}.`;
  if (await isAway(error, causes)) return `PostgreSQL can't be reached now${reasonOf(causes)}.`;
  return lastLineOf(error);
}

/** Where nothing else tells, the core is asked, which takes half a second to load. */
async function isAway(error: Error, causes: readonly Cause[]): Promise<boolean> {
  if (causes.some(({ code }) => code === 'DatabaseAway')) return true;
  return (await import('../../core/platform/database.ts')).isDatabaseOutage(error);
}

/** A library puts what it was doing before the cause: Prisma its call, and some lines of nothing. */
function lastLineOf({ message, name = 'Something unknown failed' }: Cause): string {
  const lines = String(message)
    .split('\n')
    .filter((line) => line.trim() !== '');
  return lines.at(-1)?.trim() ?? name;
}

/** What this program says itself is whole sentences. */
function isOurs(error: Error): boolean {
  if (error instanceof UsageError || error instanceof ProblemList || ['ConfigError', 'RoleError'].includes(error.name))
    return true;
  return error.constructor === Error && /\.$|^[A-Z_]+: /.test(error.message);
}

interface Cause {
  readonly name?: string;
  readonly message?: unknown;
  readonly code?: unknown;
  readonly originalCode?: unknown;
  readonly address?: unknown;
  readonly port?: unknown;
}

/** The error, and from what it came; the first cause of all is the last. */
function causesOf(error: unknown): Cause[] {
  const causes: Cause[] = [];
  for (let cause = error; typeof cause === 'object' && cause !== null && causes.length < 5; ) {
    causes.push(cause as Cause);
    const { cause: next, errors, meta } = cause as Readonly<Record<string, unknown>>;
    const ofAdapter = (meta as { driverAdapterError?: unknown } | undefined)?.driverAdapterError;
    cause = next ?? ofAdapter ?? (errors as unknown[] | undefined)?.[0]; // one a host's address
  }
  return causes;
}

/** Of a connection that came to nothing, whoever says it. */
const SILENCE = /says nothing|timeout|timed out/i;

function reasonOf(causes: readonly Cause[]): string {
  const refused = causes.find(({ code, address }) => code === 'ECONNREFUSED' && address !== undefined);
  if (refused) return `: nothing answers at ${String(refused.address)}:${String(refused.port)}`;
  if (causes.some((cause) => cause.code === 'ETIMEDOUT' || SILENCE.test(lastLineOf(cause))))
    return ': it does not answer';
  const first = causes.at(-1);
  if (first?.code === 'DatabaseAway') return `: ${lastLineOf(first)}`;
  return /^E[A-Z]+$/.test(String(first?.code)) ? ` (${String(first?.code)})` : '';
}
