// The login roles of the processes: made, or brought up to date, beside the migrations.
import pg from 'pg';
import { databaseConnection } from '../database-url.ts';

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
  } finally {
    await client.end();
  }
}
