// What is left for pages while people log in for the first time whose passwords another system had hashed in its slowest way.
import { createHash } from 'node:crypto';
import { parseArgs } from 'node:util';
import { startOwnServers } from '../../harness/own-servers.ts';
import { query } from '../../harness/query.ts';
import { readImportedHash } from '../../src/core/credentials/imported/imported-hash.ts';
import { noPassword } from '../../src/core/credentials/no-password.ts';
import { circumstances, table, writeInto } from '../report.ts';
import { measureApart } from './apart.ts';
import { startServer } from './server.ts';

const { values } = parseArgs({
  options: { short: { type: 'boolean' }, floods: { type: 'boolean' }, imported: { type: 'boolean' } },
});
const QUIET_MS = values.short ? 10_000 : 20_000;
const PEOPLE = 64;
/** Apache Shiro's default: of all that real systems were seen to keep, what takes longest. */
const ROUNDS = 500_000;

const stores = await startOwnServers();
// One reads pages.
const server = await startServer(stores, 1 + PEOPLE);
try {
  const people = server.emails.slice(1);
  await keepImported(people);
  await pages(5_000);
  const quiet = await pages(QUIET_MS);
  const startedAt = performance.now();
  const entering = Promise.all(people.map(enter));
  const [busy] = await Promise.all([pages(QUIET_MS), entering]);
  const seconds = (performance.now() - startedAt) / 1_000;
  const entered = (await entering).filter(({ status }) => status === 303).length;
  const times = busy / quiet;
  const text = `${circumstances()}\n\n${table(
    ['', 'measured', 'aim', 'kept'],
    [
      [
        'first log-ins with 500,000 rounds of SHA-256, at once',
        `${entered} of ${PEOPLE}, within ${seconds.toFixed(0)} s`,
        'all',
        entered === PEOPLE ? 'yes' : 'no',
      ],
      ['`/profile`, quiet: 99 % within, ms', quiet.toFixed(0), '', ''],
      ['the same meanwhile, against quiet', `${times.toFixed(2)} ×`, '3 × or less', times <= 3 ? 'yes' : 'no'],
    ],
  )}`;
  process.stdout.write(`${text}\n`);
  if (!values.short) writeInto('docs/security.md', 'imported', text);
} finally {
  await server.stop();
  await stores.close();
}

/** A connection on which nothing comes for long is closed: who waits behind all the others may have to try again. */
async function enter(email: string, at: number): Promise<{ readonly status: number }> {
  return server.guess({ email, password: server.password, ip: `198.18.2.${at}` }).catch(() => ({ status: 0 }));
}

/** Milliseconds within which 99 % of the pages came. */
function pages(ms: number): Promise<number> {
  return measureApart({ what: 'pages', ms, url: server.url, cookie: server.cookie }, 'anywhere');
}

async function keepImported(emails: readonly string[]): Promise<void> {
  const salt = Buffer.alloc(16, 7);
  let key = createHash('sha256').update(salt).update(server.password).digest();
  for (let round = 1; round < ROUNDS; round += 1) key = createHash('sha256').update(key).digest();
  const text = `$shiro1$SHA-256$${ROUNDS}$${salt.toString('base64')}$${key.toString('base64')}`;
  const found = readImportedHash({ password_hash: text }, {});
  if (found.kind !== 'hash') throw new Error(`it is read as ${found.kind}`);
  const [, , , cost = ''] = server.passwordHash.split('$');
  const [memoryKib = 0, passes = 0, lanes = 0] = cost.split(',').map((one) => Number(one.slice(2)));
  const to = stores.database.superuserUrl;
  const passwordHash = noPassword({ memoryKib, passes, lanes });
  await query(to, 'UPDATE user_account SET password_hash = $2 WHERE email = ANY ($1)', [emails, passwordHash]);
  const rows = "SELECT id, 'shiro1', $2 FROM user_account WHERE email = ANY ($1)";
  await query(to, `INSERT INTO imported_password (user_id, scheme, stored) ${rows}`, [emails, found.stored]);
}
