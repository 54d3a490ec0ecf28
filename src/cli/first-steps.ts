// What `npm run up` tells whoever started it, as a line of JSON: a process of its own with the web processes' environment,
// because the launcher holds no application code.
import { ANY_USER, createUserSearch } from '../core/accounts/user-search.ts';
import { readConfig } from '../core/config.ts';
import { openPool } from '../core/platform/postgres/open-pool.ts';
import { isInUse } from '../core/seed/in-use.ts';

const OPERATORS = { ...ANY_USER, role: 'operator', disabled: false } as const;

const { databaseUrl, production, mail } = readConfig(process.env);
const pool = openPool({ url: databaseUrl, poolSize: 1 });
try {
  const { users } = await createUserSearch({ database: { pool } }).page(OPERATORS, null, 1);
  const maySeed = !production && !(await isInUse(pool));
  process.stdout.write(JSON.stringify({ hasOperator: users.length > 0, showsMail: mail.shown, maySeed }));
} finally {
  await pool.end();
}
