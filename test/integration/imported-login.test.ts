// People who come from another system log in with the password that they had there, and from then on
// it is hashed as ours.
import { randomUUID } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { NO_ORIGIN } from '../../src/core/audit/events.ts';
import { wrapWeak } from '../../src/core/credentials/imported/imported-hash.ts';
import { noPassword } from '../../src/core/credentials/no-password.ts';
import { Browser, newEmail } from '../support/app.ts';
import { type Line, lines, readLine } from '../support/imported/lines.ts';
import { world } from '../support/world.ts';

const { web, other, worker, sql, startWeb, newMember, newOperator } = await world({ webs: 2, worker: true });
const { users, secretBox, config } = web.context;
const NEW_PASSWORD = 'a new horse for the battery';

const lineOf = (scheme: string): Line => {
  const line = lines.find((one) => one.scheme === scheme);
  if (!line) throw new Error(`no line of ${scheme}`);
  return line;
};

async function keepImported(userId: string, line: Line): Promise<void> {
  const found = readLine(line);
  if (found.kind !== 'hash') throw new Error(`${line.scheme} is ${found.kind}`);
  const { scheme, weak, secret } = found;
  const stored = weak ? await wrapWeak(found.stored, config.passwordHashCost) : found.stored;
  let secretId: string | null = null;
  if (secret) {
    secretId = randomUUID();
    const encrypted = secretBox.encrypt(secret.value, { purpose: 'import_secret', owner: secretId });
    await sql('INSERT INTO import_secret (id, encrypted) VALUES ($1, $2)', [secretId, encrypted]);
  }
  const row = [userId, scheme, stored, secretId];
  await sql('INSERT INTO imported_password (user_id, scheme, stored, secret_id) VALUES ($1, $2, $3, $4)', row);
}

/** Somebody of whom another system kept this line. */
async function newImported(line: Line): Promise<{ id: string; email: string; password: string }> {
  const email = newEmail();
  const passwordHash = noPassword(config.passwordHashCost);
  const result = await users.create({ email, passwordHash, role: 'member', origin: NO_ORIGIN });
  if (!result.ok) throw new Error('not created');
  await keepImported(result.user.id, line);
  return { id: result.user.id, email, password: line.password };
}

const logIn = async (email: string, password: string, url = web.url) =>
  (await new Browser(url).logIn(email, password)).status;

const isImported = async (id: string) =>
  (await sql('SELECT FROM imported_password WHERE user_id = $1', [id])).length === 1;

async function hashOf(id: string): Promise<string> {
  const [row] = await sql<{ password_hash: string }>('SELECT password_hash FROM user_account WHERE id = $1', [id]);
  return row?.password_hash ?? '';
}

async function eventsOf(id: string): Promise<string[]> {
  await worker.sealing.seal();
  const text =
    "SELECT type || coalesce(' ' || (detail->>'reason'), '') AS said FROM audit_event WHERE subject_id = $1 ORDER BY seq";
  return (await sql<{ said: string }>(text, [id])).map(({ said }) => said);
}

/** As if nobody had logged in to it since the import. */
async function backToImported(id: string, line: Line): Promise<void> {
  await sql('UPDATE user_account SET password_hash = $2 WHERE id = $1', [id, noPassword(config.passwordHashCost)]);
  await keepImported(id, line);
}

describe('the first log-in', () => {
  test.each([
    'php:bcrypt',
    'wordpress:phpass',
    'django:pbkdf2_sha1',
    'ldap:{SSHA}',
    'crypt:sha512crypt',
    'devise:bcrypt-pepper',
  ])('of %s takes the old password, and hashes it as ours', async (scheme) => {
    const { id, email, password } = await newImported(lineOf(scheme));
    expect(await logIn(email, `${password}!`)).toBe(401);
    expect(await isImported(id)).toBe(true);
    expect(await logIn(email, password)).toBe(303);
    expect(await isImported(id)).toBe(false);
    expect(await web.context.passwords.verify(await hashOf(id), password, null)).toBe('current');
    expect([await logIn(email, password), await logIn(email, `${password}!`)]).toEqual([303, 401]);
    const events = await eventsOf(id);
    expect(events).toContain('authn_login_fail wrong_password');
    expect(events.filter((type) => type === 'authn_password_rehashed')).toHaveLength(1);
    const left = await sql('SELECT FROM import_secret WHERE id NOT IN (SELECT secret_id FROM imported_password)');
    expect(left).toEqual([]);
  });

  test('of somebody who came without a password is recorded as that, and the console shows it', async () => {
    const { browser } = await newOperator();
    const factOf = async (id: string) =>
      /<dt>Password<\/dt><dd>(.*?)<\/dd>/.exec((await browser.get(`/operator/users/${id}`)).text)?.[1];
    const { id, email, password } = await newImported(lineOf('php:bcrypt'));
    expect(await factOf(id)).toBe('imported (php:bcrypt), until they log in');
    await sql('DELETE FROM imported_password WHERE user_id = $1', [id]);
    expect(await factOf(id)).toBe('none; a link by mail lets them choose one');
    expect(await logIn(email, password)).toBe(401);
    expect(await eventsOf(id)).toContain('authn_login_fail no_password');
    await sql(`UPDATE user_account SET external_id = 'u-17', language = 'de' WHERE id = $1`, [id]);
    const { text } = await browser.get(`/operator/users/${id}`);
    for (const words of ['<dd>German</dd>', '<bdi class="mono">u-17</bdi>', 'the account has no password'])
      expect(text).toContain(words);
    const { id: other } = await newMember();
    expect(await factOf(other)).toMatch(/^last changed <time /);
  });

  test('takes it no more once an operator has secured the account', async () => {
    const { id, email, password } = await newImported(lineOf('django:pbkdf2_sha1'));
    await web.context.secureAccount.secure({ userId: id, by: { actor: null, origin: NO_ORIGIN } });
    expect(await isImported(id)).toBe(false);
    expect(await logIn(email, password)).toBe(401);
    await keepImported(id, lineOf('django:pbkdf2_sha1')); // a hash that comes back all the same
    expect(await logIn(email, password)).toBe(401);
  });

  test('takes the form in which the other system hashed it', async () => {
    const html = lines.find(({ scheme, password }) => scheme === 'phpbb:salted_md5' && password.includes('&'));
    const { id, email, password } = await newImported(html ?? lineOf('phpbb:salted_md5'));
    expect(await logIn(email, password)).toBe(303);
    expect(await isImported(id)).toBe(false);
    expect(await logIn(email, password)).toBe(303);
  });

  test('many at the same instant all begin a session, at any process', async () => {
    const { id, email, password } = await newImported(lineOf('php:bcrypt'));
    const urls = [web.url, other.url, web.url, other.url];
    expect(await Promise.all(urls.map((url) => logIn(email, password, url)))).toEqual([303, 303, 303, 303]);
    expect(await isImported(id)).toBe(false);
    expect(await logIn(email, password)).toBe(303);
  });

  test('begins a session though the new hash can not be kept', async () => {
    const { id, email, password } = await newImported(lineOf('php:bcrypt'));
    await sql(`CREATE FUNCTION refuse_hash() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'refused'; END $$`);
    await sql(`CREATE TRIGGER refuse_hash BEFORE UPDATE OF password_hash ON user_account
      FOR EACH ROW WHEN (OLD.id = '${id}') EXECUTE FUNCTION refuse_hash()`);
    try {
      expect(await logIn(email, password)).toBe(303);
      expect(await isImported(id)).toBe(true);
    } finally {
      await sql('DROP TRIGGER refuse_hash ON user_account');
    }
    expect(await logIn(email, password)).toBe(303);
    expect(await isImported(id)).toBe(false);
  });

  test('of a value that nobody can check is refused like a wrong password', async () => {
    const peppered = await newImported(lineOf('devise:bcrypt-pepper'));
    await sql("UPDATE import_secret SET encrypted = 'lost'");
    expect(await logIn(peppered.email, peppered.password)).toBe(401);
    const broken = await newImported(lineOf('php:bcrypt'));
    await sql(`UPDATE imported_password SET stored = '{"steps":[{"do":"nothing"}],"is":""}' WHERE user_id = $1`, [
      broken.id,
    ]);
    expect(await logIn(broken.email, broken.password)).toBe(401);
    expect([await isImported(peppered.id), await isImported(broken.id)]).toEqual([true, true]);
  });
});

describe('an imported password', () => {
  const line = lineOf('php:bcrypt');
  const loggedIn = async () => {
    const { id, email, password } = await newImported(line);
    const browser = new Browser(web.url);
    await browser.logIn(email, password);
    await backToImported(id, line);
    return { id, email, password, browser };
  };
  const confirm = (browser: Browser, password: string) =>
    browser.submit('/confirm', { password, next: '/account' }, '/confirm?next=/account');

  test('proves who somebody is', async () => {
    const { browser, password } = await loggedIn();
    expect((await confirm(browser, `${password}!`)).status).toBe(422);
    expect((await confirm(browser, password)).status).toBe(303);
  });

  test('is the current one where another is chosen, and then it is gone', async () => {
    const { id, email, password, browser } = await loggedIn();
    const change = (current: string) => browser.submit('/account/password', { current, password: NEW_PASSWORD });
    expect((await change(`${password}!`)).status).toBe(422);
    expect((await change(password)).status).toBe(303);
    expect(await isImported(id)).toBe(false);
    expect([await logIn(email, password), await logIn(email, NEW_PASSWORD)]).toEqual([401, 303]);
  });

  test('is guessed no more often than another', async () => {
    const strict = await startWeb({ THROTTLE_ACCOUNT_CLIENT: '2/3/1h' });
    const { email, password, id } = await newImported(line);
    const statuses: number[] = [];
    for (let guess = 0; guess < 4; guess += 1) statuses.push(await logIn(email, `${password}!`, strict.url));
    expect(statuses).toEqual([401, 401, 429, 429]);
    expect([await logIn(email, password, strict.url), await isImported(id)]).toEqual([429, true]);
  });

  test('is named in what its owner takes along, and not shown', async () => {
    const { id } = await loggedIn();
    let text = '';
    const person = { userId: id, sessionId: randomUUID(), origin: NO_ORIGIN };
    for await (const part of await web.context.dataExport.write(person)) text += part;
    expect(JSON.parse(text).account.importedPassword).toEqual({ scheme: 'php:bcrypt', importedAt: expect.any(String) });
    expect(text).not.toContain('setting');
  });
});
