// The login roles of the processes: made, or brought up to date, beside the migrations.
import pg from 'pg';
import { fixedSettings, LIMITS } from '../postgres/connection.ts';
import { databaseConnections } from '../postgres/database-url.ts';
import { findHost } from '../postgres/hosts.ts';
import { CONNECT_WITHIN_MS } from './migrate.ts';

/** What a login role is made from. */
export interface LoginRole {
  readonly name: string;
  /** Without one the server knows the role by other means, as by `peer` or a certificate. */
  readonly password: string | undefined;
  readonly group: 'holdfast_web' | 'holdfast_worker';
}

/** The role that the URL in this variable names. Throws where it can't be used. */
export function readLoginRole(url: string, group: LoginRole['group'], variable: string): LoginRole {
  const [{ user, password }] = databaseConnections(url, variable);
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
 * Makes a login role, or gives it that password, and lets it act as its group and as nothing more. Where the role in
 * `ownerUrl` may not, as without CREATEROLE, a role that is there already is left as it is. Returns the statements of
 * {@link giveSettings} that an administrator has to run. Throws a {@link RoleError} where the login role could not be used.
 */
export function grantLogin(ownerUrl: string, role: LoginRole): Promise<string[]> {
  return withOwner(ownerUrl, async (client) => {
    const statements = await missingLogin(client, role, { updates: true });
    const refused: string[] = [];
    for (const { text, needed, shown } of statements) {
      if (!(await mayRun(client, text)) && needed) refused.push(shown);
    }
    if (refused.length > 0) throw new RoleError(refused);
    return await giveSettings(client, role.name);
  });
}

/**
 * Throws a {@link RoleError} where roles are missing that the role in `ownerUrl` may not make: before a migration that needs
 * them.
 */
export function needRoles(ownerUrl: string, roles: readonly LoginRole[]): Promise<void> {
  return withOwner(ownerUrl, async (client) => {
    const { rows } = await client.query<{ may: boolean }>(
      'SELECT rolcreaterole OR rolsuper AS may FROM pg_roles WHERE rolname = current_user',
    );
    if (rows[0]?.may) return;
    const missing: string[] = [];
    for (const group of GROUPS) {
      const { rowCount } = await client.query('SELECT FROM pg_roles WHERE rolname = $1', [group]);
      if (!rowCount) missing.push(`CREATE ROLE ${group} NOLOGIN;`);
    }
    for (const role of roles)
      missing.push(...(await missingLogin(client, role, { updates: false })).map(({ shown }) => shown));
    if (missing.length > 0) throw new RoleError(missing);
  });
}

/** Roles are missing that the owner of the schema may not make; the message has the statements that make them. */
export class RoleError extends Error {
  override readonly name = 'RoleError';

  constructor(statements: readonly string[]) {
    super(
      'The role in DATABASE_URL may not make the roles that are missing: it has no CREATEROLE, or did not make them itself. ' +
        `Let an administrator of PostgreSQL run this, then migrate again:\n${statements.map((text) => `  ${text}`).join('\n')}`,
    );
  }
}

const GROUPS = ['holdfast_web', 'holdfast_worker'] as const;
const INSUFFICIENT_PRIVILEGE = '42501';

interface RoleStatement {
  readonly text: string;
  /** Without the password. */
  readonly shown: string;
  /** The role can't be used without it. */
  readonly needed: boolean;
}

/** What makes the role one that may log in and act as its group; with `updates` also what gives one that can its password. */
async function missingLogin(
  client: pg.Client,
  { name, password, group }: LoginRole,
  { updates }: { updates: boolean },
): Promise<RoleStatement[]> {
  const { rows } = await client.query<{ login: boolean; member: boolean }>(
    `SELECT rolcanlogin AS login, EXISTS (SELECT FROM pg_roles AS g WHERE g.rolname = $2 AND pg_has_role(r.oid, g.oid, 'MEMBER'))
              AS member
       FROM pg_roles AS r WHERE rolname = $1`,
    [name, group],
  );
  const [found] = rows;
  const role = pg.escapeIdentifier(name);
  const start = `${found ? 'ALTER' : 'CREATE'} ROLE ${role} LOGIN`;
  const login: RoleStatement = {
    text: `${start}${password === undefined ? '' : ` PASSWORD ${pg.escapeLiteral(password)}`}`,
    shown: `${start}${password === undefined ? '' : " PASSWORD '…'"};`,
    needed: !found?.login,
  };
  const membership = `GRANT ${group} TO ${role}`;
  return [
    ...(login.needed || updates ? [login] : []),
    ...(found?.member ? [] : [{ text: membership, shown: `${membership};`, needed: true }]),
  ];
}

async function mayRun(client: pg.Client, statement: string): Promise<boolean> {
  try {
    await client.query(statement);
    return true;
  } catch (error) {
    if ((error as { code?: unknown }).code === INSUFFICIENT_PRIVILEGE) return false;
    throw error;
  }
}

async function withOwner<T>(ownerUrl: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const host = await findHost(databaseConnections(ownerUrl), { withinMs: CONNECT_WITHIN_MS });
  const client = new pg.Client({ ...host, connectionTimeoutMillis: CONNECT_WITHIN_MS });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/**
 * What a connection fixes for itself, as the role's own settings too: a pooler may hand a transaction to a connection on which
 * nobody has fixed them. Returns the statements that we may not run.
 */
async function giveSettings(client: pg.Client, role: string): Promise<string[]> {
  const { rows } = await client.query<{ database: string; settings: string[] | null }>(
    `SELECT current_database() AS database,
            (SELECT setconfig FROM pg_db_role_setting JOIN pg_database ON pg_database.oid = setdatabase
              WHERE setrole = (SELECT oid FROM pg_roles WHERE rolname = $1) AND datname = current_database()) AS settings`,
    [role],
  );
  const [{ database, settings } = { database: '', settings: null }] = rows;
  const place = `ROLE ${pg.escapeIdentifier(role)} IN DATABASE ${pg.escapeIdentifier(database)}`;
  const refused: string[] = [];
  for (const [name, value] of Object.entries(fixedSettings(LIMITS))) {
    if (settings?.includes(`${name}=${value}`)) continue;
    const statement = `ALTER ${place} SET ${name} TO ${pg.escapeLiteral(value)}`;
    if (!(await mayRun(client, statement))) refused.push(`${statement};`);
  }
  return refused;
}
