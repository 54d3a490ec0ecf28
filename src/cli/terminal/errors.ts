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
};

/** Never with a secret; a configuration's problems are a list. */
export async function sentenceOf(error: unknown): Promise<string> {
  if (!(error instanceof Error)) return String(error);
  const { code, path } = error as Failure;
  const name = String(code);
  if (typeof path === 'string' && FILES[name]) return `${path || 'The empty name'} ${FILES[name]}.`;
  if (DISK[name]) return DISK[name];
  if (isOurs(error)) return error.message;
  for (const state of statesOf(error)) if (DATABASE[state]) return DATABASE[state];
  const said = awayWords(error);
  if (said !== null) return `${said}.`;
  const { isDatabaseOutage } = await import('../../core/platform/database.ts');
  if (isDatabaseOutage(error)) return `PostgreSQL can't be reached now${reasonOf(error)}.`;
  // A library's: the last line is the cause.
  const lines = error.message.split('\n').filter((line) => line.trim() !== '');
  return lines.at(-1)?.trim() ?? error.name;
}

/** What this program says itself is whole sentences. */
function isOurs(error: Error): boolean {
  if (error instanceof UsageError || error instanceof ProblemList || ['ConfigError', 'RoleError'].includes(error.name))
    return true;
  return error.constructor === Error && /\.$|^[A-Z_]+: /.test(error.message);
}

function statesOf(error: unknown): string[] {
  const states: string[] = [];
  for (let cause = error, depth = 0; typeof cause === 'object' && cause !== null && depth < 5; depth += 1) {
    const { code, originalCode, cause: next, meta } = cause as Readonly<Record<string, unknown>>;
    states.push(String(code), String(originalCode));
    cause = next ?? (meta as { driverAdapterError?: unknown } | undefined)?.driverAdapterError;
  }
  return states;
}

/** What this program knows of a PostgreSQL that can't be used. */
function awayWords(error: unknown): string | null {
  for (let cause = error, depth = 0; typeof cause === 'object' && cause !== null && depth < 5; depth += 1) {
    const { code, message, cause: next } = cause as Readonly<Record<string, unknown>>;
    if (code === 'StandbyError' || code === 'DatabaseAway') return String(message);
    cause = next;
  }
  return null;
}

function reasonOf(error: Error): string {
  const { code, address, port } = error as Error & { code?: unknown; address?: unknown; port?: unknown };
  if (code === 'ECONNREFUSED' && address !== undefined)
    return `: nothing answers at ${String(address)}:${String(port)}`;
  return typeof code === 'string' && /^E[A-Z]+$/.test(code) ? ` (${code})` : '';
}
