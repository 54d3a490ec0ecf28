// The login roles of the processes: made, or brought up to date, beside the migrations.
import pg from 'pg';
import { fixedSettings, LIMITS } from '../postgres/connection.ts';
import { databaseConnection } from '../postgres/database-url.ts';

/** What a login role is made from. */
export interface LoginRole {
  readonly name: string;
  /** Without one the server knows the role by other means, as by `peer` or a certificate. */
  readonly password: string | undefined;
  readonly group: 'holdfast_web' | 'holdfast_worker';
}

/** The role that the URL in this variable names. Throws where it can't be used. */
export function readLoginRole(url: string, group: LoginRole['group'], variable: string): LoginRole {
  const { user, password } = databaseConnection(url, variable);
  if (!user) throw new Error(`${variable}: it names no role to log in with, such as postgresql://${group}@…`);
  return { name: user, password: typeof password === 'string' ? password : undefined, group };
}

type Environment = Readonly<Record<string, string | undefined>>;

const VARIABLES = [
  ['WEB_DATABASE_URL', 'holdfast_web'],
  ['WORKER_DATABASE_URL', 'holdfast_worker'],
] as const;

/** Those that the environment gives. Throws as {@link readLoginRole} does. */
export function loginRolesOf(env: Environment): LoginRole[] {
  return VARIABLES.flatMap(([variable, group]) => {
    const url = env[variable];
    return url ? [readLoginRole(url, group, variable)] : [];
  });
}

/** What is wrong with them. */
export function loginRoleProblems(env: Environment): string[] {
  return VARIABLES.flatMap(([variable]) => {
    try {
      loginRolesOf({ [variable]: env[variable] });
      return [];
    } catch (error) {
      return (error as Error).message.split('\n');
    }
  });
}

/**
 * Makes a login role, or gives it that password, and lets it act as its group and as nothing more. The role in `ownerUrl`
 * needs CREATEROLE.
 */
export async function grantLogin(ownerUrl: string, { name, password, group }: LoginRole): Promise<void> {
  const role = pg.escapeIdentifier(name);
  const secret = password === undefined ? '' : ` PASSWORD ${pg.escapeLiteral(password)}`;
  const client = new pg.Client({ ...databaseConnection(ownerUrl), connectionTimeoutMillis: 5_000 });
  await client.connect();
  try {
    const { rowCount } = await client.query('SELECT FROM pg_roles WHERE rolname = $1', [name]);
    await client.query(`${rowCount ? 'ALTER' : 'CREATE'} ROLE ${role} LOGIN${secret}`);
    await client.query(`GRANT ${group} TO ${role}`);
    await giveSettings(client, name);
  } finally {
    await client.end();
  }
}

/**
 * What a connection fixes for itself, as the role's own settings too: a pooler may hand a transaction to a connection on which
 * nobody has fixed them.
 */
async function giveSettings(client: pg.Client, role: string): Promise<void> {
  const { rows } = await client.query<{ database: string; settings: string[] | null }>(
    `SELECT current_database() AS database,
            (SELECT setconfig FROM pg_db_role_setting JOIN pg_database ON pg_database.oid = setdatabase
              WHERE setrole = (SELECT oid FROM pg_roles WHERE rolname = $1) AND datname = current_database()) AS settings`,
    [role],
  );
  const [{ database, settings } = { database: '', settings: null }] = rows;
  const place = `ROLE ${pg.escapeIdentifier(role)} IN DATABASE ${pg.escapeIdentifier(database)}`;
  for (const [name, value] of Object.entries(fixedSettings(LIMITS))) {
    if (settings?.includes(`${name}=${value}`)) continue;
    await client.query(`ALTER ${place} SET ${name} TO ${pg.escapeLiteral(value)}`);
  }
}
